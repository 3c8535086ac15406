/**
 * `connecting`: never connected, or the last dial failed and there is no connection. `idle`: the last connection ended
 * normally. `draining`: it has left the set, and gets nothing new.
 */
export type Condition = 'connecting' | 'ready' | 'idle' | 'ejected' | 'draining';
