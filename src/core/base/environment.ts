/** The variables of a process, by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The variables of this process. No other file reads them. */
export function environment(): Environment {
  return process.env;
}
