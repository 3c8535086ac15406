/** The variables of a process, by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The variables of this process: nobody else reads them. */
export function environment(): Environment {
  return process.env;
}
