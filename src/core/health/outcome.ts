/**
 * How an attempt ended, for its endpoint. `failure`: the endpoint's doing, or of what is before it;
 * `timeout`: the same, by not answering; `expired`: the time that the caller had for it was over, and nothing had come;
 * `rejected`: with the connection in good order; `cancelled`: the caller's doing; `refused`: by the transport, and nothing
 * was written.
 */
export type Outcome = 'success' | 'rejected' | 'failure' | 'timeout' | 'expired' | 'cancelled' | 'refused';
