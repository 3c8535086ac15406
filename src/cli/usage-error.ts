/** The command was called in a way that it doesn't understand. */
export class UsageError extends Error {
  override name = 'UsageError';

  /** What went wrong, in one sentence: `parseArgs` has more to say than what helps. */
  static of(error: unknown): UsageError {
    const [sentence = ''] = (error as Error).message.split(/\. (?=[A-Z])/);
    return new UsageError(sentence);
  }
}
