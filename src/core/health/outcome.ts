/**
 * How an attempt ended, for its endpoint. `failure`: the connection broke, because of the endpoint or the network.
 * `timeout`: the endpoint did not answer. `expired`: the caller's time was over before a response came. `rejected`: the
 * status was 502, 503 or 504, and the connection is in order. `cancelled`: the caller ended it. `refused`: the
 * transport refused it, and nothing was written.
 */
export type Outcome = 'success' | 'rejected' | 'failure' | 'timeout' | 'expired' | 'cancelled' | 'refused';
