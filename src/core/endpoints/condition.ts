/**
 * `connecting`: never connected, or the last dial failed and nothing is connected; `idle`: its last connection closed in
 * good order; `draining`: it has left the set, and nothing is added to what it carries.
 */
export type Condition = 'connecting' | 'ready' | 'idle' | 'ejected' | 'draining';
