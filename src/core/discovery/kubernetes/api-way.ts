import { EvenkeelError } from '../../base/errors.ts';
import type { AskingTransport } from './api.ts';
import type { Place } from './place.ts';

export interface ApiChoice {
  /** The `kubernetes.kubeconfig` option. */
  kubeconfig: string | undefined;
  /** Kubernetes was asked for, and not only hoped for. */
  wanted: boolean;
  place: Place;
}

/** Chooses a way to the Kubernetes API, to be opened once; `undefined` where there's none. */
export type ApiWay = (choice: ApiChoice) => (() => Promise<AskingTransport>) | undefined;

/** There's no way to the Kubernetes API yet: the service account's token may be mounted later. */
export class NoTokenError extends EvenkeelError {
  override name = 'NoTokenError';

  constructor({ serviceAccount }: Place) {
    super('EVENKEEL_KUBERNETES_UNREACHABLE', `there is no service account's token in ${serviceAccount}`);
  }
}

/** Chooses the way anew each time that it is to be opened. @throws NoTokenError while there's none */
export async function openLate(way: ApiWay, choice: ApiChoice): Promise<AskingTransport> {
  const open = way(choice);
  if (open === undefined) throw new NoTokenError(choice.place);
  return open();
}
