import { test } from 'node:test';
import { sayHint, share } from './hints.ts';

for (const value of ['timeout=3', 'timeout=99999999999', 'timeout=x']) {
  test(`a pod that says Keep-Alive: ${value} changes nothing for the others`, (t) => sayHint(t, value));
}

for (const [name, policy, weight] of [
  ['least-request with weights', 'least-request', 2],
  ['round-robin', 'round-robin', 1],
] as const) {
  test(`under ${name}, a pod that keeps no connection has its share of many at once`, (t) =>
    share(t, policy, weight));
}
