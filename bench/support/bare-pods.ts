interface Carrying {
  inFlight: number;
}

/** The pods of a bare balancer. */
export class BarePods<P extends Carrying> {
  readonly all: readonly P[];
  #turn = 0;

  constructor(pods: readonly P[]) {
    this.all = pods;
  }

  /** Of those with the fewest requests in flight, the one whose turn it is. */
  pick(): P {
    const pods = this.all;
    let best = pods[this.#turn]!;
    for (let n = 1, at = this.#turn; n < pods.length; n++) {
      if (++at === pods.length) at = 0;
      if (pods[at]!.inFlight < best.inFlight) best = pods[at]!;
    }
    if (++this.#turn === pods.length) this.#turn = 0;
    return best;
  }
}
