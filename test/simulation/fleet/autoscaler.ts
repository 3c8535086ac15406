import type { Actor } from '../agenda.ts';
import { micros } from '../time.ts';
import type { Cluster } from './cluster.ts';

/** Milliseconds between two looks, and from a decision until its pods are ready. */
const INTERVAL = 15_000;
const START_UP = 20_000;
/** The utilisation that there is to be, and by how much it may be off. */
const TARGET = 0.6;
const TOLERANCE = 0.1;
/** Pods that may be added at once, if these are more than as many as there are. */
const STEP = 4;

const LOOK = 0;
const READY = 1;

/** What a look has shown. */
export interface Look {
  /** Seconds. */
  readonly at: number;
  /** Of each pod that is ready, from 0 to 1. */
  readonly utilisations: readonly number[];
  readonly mean: number;
  /** How many pods there are to be. */
  readonly desired: number;
}

/**
 * A HorizontalPodAutoscaler on CPU, which only ever scales out here: it looks at the mean of all pods.
 * https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#algorithm-details
 */
export class Autoscaler implements Actor {
  readonly looks: Look[] = [];
  readonly #cluster: Cluster;
  readonly #most: number;
  #desired: number;
  #doneBefore: number[] = [];

  constructor(cluster: Cluster, least: number, most: number) {
    this.#cluster = cluster;
    this.#most = most;
    this.#desired = least;
    cluster.scale(least);
    cluster.world.time.inWorld(micros(INTERVAL), this, LOOK);
  }

  happen(what: number, data: unknown): void {
    if (what === READY) this.#cluster.scale(data as number);
    else this.#look();
  }

  #look(): void {
    const { time } = this.#cluster.world;
    const utilisations = this.#cluster.ready.map((pod, n) => {
      const { done } = pod;
      const utilisation = (done - (this.#doneBefore[n] ?? 0)) / micros(INTERVAL);
      this.#doneBefore[n] = done;
      return Math.min(1, Math.max(0, utilisation));
    });
    const mean = utilisations.reduce((sum, value) => sum + value, 0) / utilisations.length;
    const ratio = mean / TARGET;
    // Those that are not ready yet are counted as if they did nothing.
    if (ratio > 1 + TOLERANCE && utilisations.length === this.#desired)
      this.#scaleOut(Math.ceil(this.#desired * ratio));
    this.looks.push({ at: time.now() / 1_000, utilisations, mean, desired: this.#desired });
    time.inWorld(micros(INTERVAL), this, LOOK);
  }

  #scaleOut(wanted: number): void {
    const allowed = this.#desired + Math.max(STEP, this.#desired);
    this.#desired = Math.min(wanted, allowed, this.#most);
    this.#cluster.world.time.inWorld(micros(START_UP), this, READY, this.#desired);
  }
}
