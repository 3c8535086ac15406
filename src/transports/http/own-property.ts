/**
 * Restores a property that was replaced for a while. A method that other code has wrapped is the object's own; a method
 * that nobody has wrapped belongs to its class.
 *
 * @param own what `Object.getOwnPropertyDescriptor` said before; `undefined`: it was not the object's own
 */
export function putBack(target: object, name: string, own: PropertyDescriptor | undefined): void {
  if (own === undefined) Reflect.deleteProperty(target, name);
  else Object.defineProperty(target, name, own);
}
