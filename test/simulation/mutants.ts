// Mistakes that the simulation has to find: texts of the core, and what to put in their place.

export interface Mutant {
  readonly name: string;
  /** The name of a file, wherever it is below src/. */
  readonly file: string;
  /** Is there exactly once. */
  readonly find: string;
  readonly replace: string;
  /** What scenarios are about in which it shows soon. */
  readonly theme?: string;
}

export const MUTANTS: readonly Mutant[] = [
  // Wake-ups
  {
    name: 'nobody is woken when a connection becomes free',
    file: 'attempts.ts',
    find: '    this.#demand.running--;\n    this.#pool.board.stir();',
    replace: '    this.#demand.running--;',
    theme: 'limits',
  },
  {
    name: 'nobody is woken when a connection is made',
    file: 'pool.ts',
    find: '    this.board.wake();\n    connection.park();',
    replace: '    connection.park();',
    theme: 'bursts',
  },
  {
    name: 'nobody is woken when a peer says how many streams it takes',
    file: 'connection.ts',
    find: '    if (freed) this.#endpoint.board.wake();\n',
    replace: '',
    theme: 'streams',
  },
  {
    name: 'nobody is woken when a call is free to be sent again',
    file: 'queue.ts',
    find: '    this.#checkLater();\n    this.serveSoon();\n  }\n\n  #add(',
    replace: '  }\n\n  #add(',
    theme: 'failures',
  },
  {
    name: 'nobody looks after those that wait',
    file: 'queue.ts',
    find: '    if (this.#check !== undefined) return;',
    replace: '    if (this.size >= 0) return;',
    theme: 'names',
  },
  // Counts
  {
    name: 'a call that ends is not taken off its endpoint when its connection broke',
    file: 'attempts.ts',
    find: '    this.#end(attempt, endpoint, connection, failed, failed || isQuickError);',
    replace:
      "    if (outcome !== 'failure') this.#end(attempt, endpoint, connection, failed, failed || isQuickError);",
  },
  {
    name: 'what fails is held as load for ever',
    file: 'endpoint.ts',
    find: '  unhold(): void {\n    this.load--;',
    replace: '  unhold(): void {',
    theme: 'trickles',
  },
  {
    name: 'a seat is not given back',
    file: 'attempts.ts',
    find: '    attempt.seated = false;\n    this.#pool.seats.leave(endpoint);',
    replace: '    attempt.seated = false;',
    theme: 'lasting',
  },
  {
    name: 'a stream that ends is counted as a request that began',
    file: 'connection.ts',
    find: '    this.lasting--;\n    this.inFlight++;\n  }',
    replace: '    this.inFlight++;\n  }',
    theme: 'lasting',
  },
  {
    name: 'who waits and gives up is still counted',
    file: 'waiting-line.ts',
    find: '    waiter.call.stopWaiting();\n    this.#demand.waiting--;',
    replace: '    waiter.call.stopWaiting();\n    if (waiter.call.reason === null) this.#demand.waiting--;',
    theme: 'aborts',
  },
  {
    name: 'a dial that was overdue counts as one that is fresh',
    file: 'dials.ts',
    find: '      this.#overdue--;\n      endpoint.overdue--;',
    replace: '      this.#overdue--;\n      endpoint.dialing--;',
    theme: 'deaths',
  },
  {
    name: 'a connection that is retired is still counted as aging',
    file: 'endpoint-connections.ts',
    find: '    this.connected--;\n    if (connection.aging) this.aging--;',
    replace: '    this.connected--;',
    theme: 'rotations',
  },
  // Limits
  {
    name: 'a connection has one request more than it may have',
    file: 'connection.ts',
    find: "    if (this.requests === maxRequests) this.retire('max-requests');",
    replace: "    if (this.requests === maxRequests + 1) this.retire('max-requests');",
    theme: 'rotations',
  },
  {
    name: 'an endpoint has one request more than it may have',
    file: 'endpoint.ts',
    find: '    if (this.inFlight >= this.#limit) this.reasons |= REQUEST_LIMIT;\n  }\n\n  /** Counts one that has ended.',
    replace:
      '    if (this.inFlight > this.#limit) this.reasons |= REQUEST_LIMIT;\n  }\n\n  /** Counts one that has ended.',
    theme: 'limits',
  },
  {
    name: 'an endpoint has one connection more than it may have',
    file: 'pooled-endpoint.ts',
    find: 'if (staying + this.dialing + this.overdue >= this.#limits.connections) return false;',
    replace: 'if (staying + this.dialing + this.overdue > this.#limits.connections) return false;',
    theme: 'limits',
  },
  {
    name: 'a full queue takes one more',
    file: 'queue.ts',
    find: 'if (undialled < maxPendingRequests) return false;',
    replace: 'if (undialled > 0) return true;',
    theme: 'limits',
  },
  // Ages
  {
    name: 'the age of a connection is not looked at when it is used',
    file: 'connection.ts',
    find: '    if (this.#lifetime.isOver(now)) this.#expire();\n    else if',
    replace: '    if',
    theme: 'still',
  },
  {
    name: 'an age that is left to chance may be none',
    file: 'connection-factory.ts',
    find: 'Math.max(1, longest * (1 - connectionDurationJitter * step))',
    replace: 'longest * (1 - connectionDurationJitter * step)',
    theme: 'rotations',
  },
  // What is sent again
  {
    name: 'what may not be repeated is sent again',
    file: 'retries.ts',
    find: 'if (unsafe && (history.unsafe > 0 || call.upgrades || !call.repeatable)) return false;',
    replace: 'if (unsafe && (history.unsafe > 0 || call.upgrades)) return false;',
    theme: 'failures',
  },
  {
    name: 'what may have been done is sent again twice',
    file: 'retries.ts',
    find: 'if (unsafe && (history.unsafe > 0 || call.upgrades || !call.repeatable)) return false;',
    replace: 'if (unsafe && (history.unsafe > 1 || call.upgrades || !call.repeatable)) return false;',
    theme: 'failures',
  },
  {
    name: 'retries cost nothing',
    file: 'budget.ts',
    find: '    this.#tokens--;\n',
    replace: '',
    theme: 'failures',
  },
  {
    name: 'a call is sent again however often that was tried',
    file: 'retries.ts',
    find: '    if (history.retries >= settings.attempts) return false;\n',
    replace: '',
    theme: 'streams',
  },
  {
    name: 'what was never written fails with the connection that was closed',
    file: 'calls.ts',
    find: '    if (endpoint === undefined || (isNew && !mayReroute(call))) call.fail(error);',
    replace: '    if (endpoint !== undefined) call.fail(error);',
    theme: 'hints',
  },
  {
    name: 'a pod that keeps idle connections for a moment only is dialled for nobody ahead, however many calls there are',
    file: 'warmth.ts',
    find: 'return !fleeting || this.#window.total * UNUSED >= this.#set.size * this.#windowLength;',
    replace: 'return !fleeting;',
    theme: 'oneHint',
  },
  {
    name: 'of the calls that come back, the last one has its turn first',
    file: 'waiting-line.ts',
    find: '    if (back) this.#putBack(waiter);',
    replace: '    if (back) this.#ring.prepend(waiter.node);',
    theme: 'comebacks',
  },
  {
    name: 'a pod behind a virtual IP that has left is held to be one of the others',
    file: 'endpoint-set.ts',
    find: '    this.#unname(endpoint);\n    this.superseded.add(endpoint);',
    replace: '    this.superseded.add(endpoint);',
    theme: 'takeovers',
  },
  {
    name: 'a call that its caller has given up waits for another endpoint',
    file: 'queue.ts',
    find: '    this.#upgrades.remove(call);\n    this.#retries.remove(call);\n',
    replace: '    this.#upgrades.remove(call);\n',
    theme: 'aborts',
  },
  {
    name: 'a call that its caller has given up is sent',
    file: 'queue.ts',
    find: '    this.#waiting.remove(call);\n    this.#upgrades.remove(call);',
    replace: '    this.#upgrades.remove(call);',
    theme: 'aborts',
  },
  {
    name: 'what a GOAWAY gives back fails',
    file: 'calls.ts',
    find: "how === 'refused' ? this.#allows(call, how) : this.#retries.allowGivenBack(call, how)",
    replace: "how === 'refused' ? this.#allows(call, how) : false",
    theme: 'streams',
  },
  {
    name: 'a stream that is refused is never sent again',
    file: 'retries.ts',
    find: "    if (reason === 'refused' && !history.refused) {",
    replace: "    if (reason === 'refused') {\n      return false;",
    theme: 'streams',
  },
  {
    name: 'each call of a burst has a connection made',
    file: 'dial-pace.ts',
    find: '    return this.#left > 0;',
    replace: '    return true;',
    theme: 'bursts',
  },
  // Health
  {
    name: 'an ejection has no end',
    file: 'ejections.ts',
    find: "            if (!health.ailing) this.restore(endpoint, 'time');",
    replace: '',
    theme: 'failures',
  },
  {
    name: 'a pause has no end',
    file: 'pauses.ts',
    find: '      health.pause = undefined;\n      this.#outliers.standings.review(endpoint);\n    }, duration);',
    replace: '    }, duration);',
    theme: 'failures',
  },
  {
    name: 'all endpoints may be ejected',
    file: 'standings.ts',
    find: 'return count === 0 || (count + 1) * 100 <= this.#settings.maxEjectionPercent * this.#population;',
    replace: 'return true;',
    theme: 'failures',
  },
  {
    name: 'panic changes nothing',
    file: 'standings.ts',
    find: '    if (isOtherPanic) for (const endpoint of this.#out) this.#say(endpoint, endpoint.health!);\n',
    replace: '',
    theme: 'failures',
  },
  {
    name: 'calls go to endpoints that are ejected',
    file: 'reasons.ts',
    find: 'export const UNFIT = DRAINING | EJECTED | PAUSED | IN_DOUBT | REQUEST_LIMIT;',
    replace: 'export const UNFIT = DRAINING | PAUSED | IN_DOUBT | REQUEST_LIMIT;',
    theme: 'failures',
  },
  {
    name: 'calls go to endpoints that are in doubt',
    file: 'reasons.ts',
    find: 'export const UNFIT = DRAINING | EJECTED | PAUSED | IN_DOUBT | REQUEST_LIMIT;',
    replace: 'export const UNFIT = DRAINING | EJECTED | PAUSED | REQUEST_LIMIT;',
    theme: 'deaths',
  },
  {
    name: 'an upgrade goes to an endpoint that was ejected since',
    file: 'upgrade-line.ts',
    find: 'return isHealthy && !isDraining;',
    replace: 'return !isDraining;',
    theme: 'lasting',
  },
  {
    name: 'an upgrade has an endpoint dialled that has left',
    file: 'upgrade-line.ts',
    find: 'return isHealthy && !isDraining;',
    replace: 'return isHealthy;',
    theme: 'subsets',
  },
  {
    name: 'an endpoint that leaves starts slowly anew',
    file: 'departures.ts',
    find: '    this.#weights.forget(endpoint);\n',
    replace: '',
    theme: 'starts',
  },
  // Proof of death
  {
    name: 'who answers no dial is dead, whatever the kernel knows',
    file: 'liveness.ts',
    find: 'if (watched?.unanswered && isStuck(endpoint, known)) this.#onGone(endpoint, watched);',
    replace: 'if (watched?.unanswered) this.#onGone(endpoint, watched);',
    theme: 'deaths',
  },
  {
    name: 'who is silent for seconds is dead',
    file: 'liveness.ts',
    find: '    else if (watched.silent >= watched.patience) this.#doubt(endpoint, watched);',
    replace: '    else if (watched.silent >= watched.patience) this.#onGone(endpoint, watched);',
    theme: 'deaths',
  },
  {
    name: 'nobody looks whether a pod is there while all calls have keys',
    file: 'balancer.ts',
    find: '    this.#liveness.start();\n    return endpoint.begin();',
    replace: '    return endpoint.begin();',
    theme: 'deaths',
  },
  {
    name: 'connections that were reset unheard are never found',
    file: 'lost-sockets.ts',
    find: '      connection.wire.lose();\n',
    replace: '',
    theme: 'deaths',
  },
  {
    name: 'a drainTimeout ends what runs at once',
    file: 'connection.ts',
    find: '    if (this.busy && drainTimeout > 0) {',
    replace: '    if (this.busy) {',
    theme: 'rotations',
  },
  // Who comes and goes
  {
    name: 'an endpoint that has left is dialled',
    file: 'departures.ts',
    find: '    this.#abandon(endpoint);\n    this.forgetIfClosed(endpoint);',
    replace: '    this.forgetIfClosed(endpoint);',
    theme: 'rollouts',
  },
  {
    name: 'an endpoint that has left keeps its connections',
    file: 'departures.ts',
    find: '    for (const connection of endpoint.connections) connection.retire(reason);\n',
    replace: '',
    theme: 'rollouts',
  },
  {
    name: 'who leaves takes no warm place along',
    file: 'upkeep.ts',
    find: '    this.#warmth.replace(fresh, gone);',
    replace: '    this.#warmth.replace(fresh, []);',
    theme: 'rollouts',
  },
  {
    name: 'what is withdrawn is dialled',
    file: 'reach.ts',
    find: '    const may = !this.#set.frozen || this.#clock.now() - endpoint.heardAt < PROOF;',
    replace: '    const may = true;',
    theme: 'names',
  },
  {
    name: 'nobody is woken when a connection is given to the pod that it leads to',
    file: 'attempts.ts',
    find: '    // The endpoint that it was taken from may have room now.\n    this.#pool.board.stir();\n',
    replace: '',
    theme: 'virtualIps',
  },
  {
    name: 'the last pod that is known by name is passed over',
    file: 'departures.ts',
    find: '    // Those that are left may be too few to pass any of them over.\n    this.#health.onSetChanged();\n',
    replace: '',
    theme: 'virtualIps',
  },
  {
    name: 'what was replaced is offered to upgrades',
    file: 'departures.ts',
    find: '    this.#dials.abandon(endpoint);\n    this.#seats.offer(endpoint, false);\n',
    replace: '    this.#dials.abandon(endpoint);\n',
    theme: 'virtualIps',
  },
  {
    name: 'pods that were known by name once count though pods are dialled',
    file: 'endpoint-set.ts',
    find: 'return this.isVirtual && this.pods.size > 0 ?',
    replace: 'return this.pods.size > 0 ?',
    theme: 'virtualIps',
  },
  // The end
  {
    name: 'close() waits for ever when a connection is idle',
    file: 'connection.ts',
    find: '    if (this.retired === undefined || this.busy) return;\n',
    replace:
      "    if (this.retired === undefined || this.busy || this.retired === 'service-closed') return;\n",
    theme: 'ends',
  },
  {
    name: 'the timer of a connection that has ended is left behind',
    file: 'connection.ts',
    find: '    this.#lifetime.stop();\n    this.#idleExpiry?.cancel();',
    replace: '    this.#idleExpiry?.cancel();',
    theme: 'rotations',
  },
  {
    name: 'a rotation is made twice',
    file: 'connection.ts',
    find: '    if (this.#aging || this.retired !== undefined) return;\n',
    replace: '    if (this.retired !== undefined) return;\n',
    theme: 'rotations',
  },
  // Shares
  {
    name: 'the loads of endpoints are not compared',
    file: 'least-request.ts',
    find: '    if (bucket === slot.bucket) return;',
    replace: '    if (bucket >= 0) return;',
    theme: 'shares',
  },
];
