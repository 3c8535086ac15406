/** Calls so many times, `width` at a time. Resolves to how often each answer came. */
export async function countAnswers(
  call: () => Promise<string>,
  count: number,
  width: number,
): Promise<Map<string, number>> {
  const answers = new Map<string, number>();
  let left = count;
  const worker = async () => {
    while (left-- > 0) {
      const answer = await call();
      answers.set(answer, (answers.get(answer) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  return answers;
}
