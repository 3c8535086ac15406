import { EvenkeelError } from '../../base/errors.ts';
import type { AskingTransport } from './api.ts';
import type { Place } from './place.ts';

export interface ApiChoice {
  /** The option `kubernetes.kubeconfig`. */
  kubeconfig: string | undefined;
  /** Whether the user asked for Kubernetes. */
  wanted: boolean;
  place: Place;
}

/** Chooses a way to the Kubernetes API, which is then opened once; `undefined` if there is none. */
export type ApiWay = (choice: ApiChoice) => (() => Promise<AskingTransport>) | undefined;

/** There is no way to the Kubernetes API yet. The token of the service account may be mounted later. */
export class NoTokenError extends EvenkeelError {
  override name = 'NoTokenError';

  constructor({ serviceAccount }: Place) {
    super('EVENKEEL_KUBERNETES_UNREACHABLE', `there is no service account's token in ${serviceAccount}`);
  }
}

/** Chooses a way each time it is opened. @throws NoTokenError while there is none */
export async function openLate(way: ApiWay, choice: ApiChoice): Promise<AskingTransport> {
  const open = way(choice);
  if (open === undefined) throw new NoTokenError(choice.place);
  return open();
}
