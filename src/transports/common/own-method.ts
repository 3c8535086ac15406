type Methods = Record<string, unknown>;

/**
 * Replaces a method of one object for a while. Other code may have done so before: a method that it has wrapped is the
 * object's own; a method that nobody has wrapped belongs to its class.
 *
 * @returns puts the method back that was there before
 */
export function replaceMethod(
  target: object,
  name: string,
  method: (...args: never[]) => unknown,
): () => void {
  const methods = target as Methods;
  const own = Object.getOwnPropertyDescriptor(target, name);
  if (own !== undefined) {
    methods[name] = method;
    return () => void Object.defineProperty(target, name, own);
  }
  Object.defineProperty(target, name, { value: method, writable: true, configurable: true });
  // The object keeps the property, which nobody sees. V8 turns an object that a property is deleted from into a table.
  // Code that has met one such object is slow for all others from then on: in Node's http, by up to 5 % of a request.
  return () => {
    methods[name] = inheritedOf(name);
  };
}

const inherited = new Map<string, (...args: unknown[]) => unknown>();

/** A method that is what its object's class has under that name whenever it is called: tests replace methods of classes. */
function inheritedOf(name: string): (...args: unknown[]) => unknown {
  let method = inherited.get(name);
  if (method === undefined) {
    method = function (this: object, ...args) {
      return Reflect.apply((Object.getPrototypeOf(this) as Methods)[name] as () => unknown, this, args);
    };
    inherited.set(name, method);
  }
  return method;
}
