/** One of an agent's public maps, by the name that the agent gives each host. */
type AgentMap<T> = Record<string, T[] | undefined>;

export function addTo<T>(map: AgentMap<T>, name: string, item: T): void {
  const list = map[name];
  if (list === undefined) map[name] = [item];
  else list.push(item);
}

export function removeFrom<T>(map: AgentMap<T>, name: string, item: T): void {
  const list = map[name];
  const index = list?.indexOf(item) ?? -1;
  if (index === -1) return;
  list!.splice(index, 1);
  if (list!.length === 0) delete map[name];
}
