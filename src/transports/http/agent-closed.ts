import { EvenkeelError } from '../../core/base/errors.ts';

/** The agent was closed or destroyed before it could send the request. */
export class AgentClosedError extends EvenkeelError {
  override name = 'AgentClosedError';
  readonly how: 'closed' | 'destroyed';

  constructor(how: 'closed' | 'destroyed') {
    super(how === 'closed' ? 'ERR_AGENT_CLOSED' : 'ERR_AGENT_DESTROYED', `the agent is ${how}`);
    this.how = how;
  }
}
