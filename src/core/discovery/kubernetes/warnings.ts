/** Warns the user. A `code` never changes. */
export type Warn = (code: string, message: string) => void;

/** Emits each warning once. */
export function onceEach(emit: Warn = emitWarning): Warn {
  const said = new Set<string>();
  return (code, message) => {
    const warning = `${code} ${message}`;
    if (said.has(warning)) return;
    said.add(warning);
    emit(code, message);
  };
}

function emitWarning(code: string, message: string): void {
  process.emitWarning(message, { type: 'EvenkeelWarning', code });
}
