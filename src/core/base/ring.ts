/** An entry of a `Ring`. */
export class RingNode<T> {
  readonly value: T;
  previous: RingNode<T> = this;
  next: RingNode<T> = this;

  constructor(value: T) {
    this.value = value;
  }

  unlink(): void {
    this.previous.next = this.next;
    this.next.previous = this.previous;
    this.previous = this;
    this.next = this;
  }
}

/** A doubly linked list. Each node knows its neighbours, so any node can leave in constant time. */
export class Ring<T> {
  readonly #end = new RingNode<T | undefined>(undefined);

  get first(): RingNode<T> | undefined {
    return this.empty ? undefined : (this.#end.next as RingNode<T>);
  }

  get last(): RingNode<T> | undefined {
    return this.empty ? undefined : (this.#end.previous as RingNode<T>);
  }

  get empty(): boolean {
    return this.#end.next === this.#end;
  }

  append(node: RingNode<T>): void {
    insertBefore(this.#end, node as RingNode<T | undefined>);
  }

  prepend(node: RingNode<T>): void {
    insertBefore(this.#end.next, node as RingNode<T | undefined>);
  }

  /** Inserts a node behind another one of this ring. */
  insert(node: RingNode<T>, behind: RingNode<T>): void {
    insertBefore(behind.next, node);
  }

  /** The node behind another one of this ring. */
  after(node: RingNode<T>): RingNode<T> | undefined {
    return node.next === (this.#end as unknown) ? undefined : node.next;
  }
}

function insertBefore<T>(next: RingNode<T>, node: RingNode<T>): void {
  node.previous = next.previous;
  node.next = next;
  next.previous.next = node;
  next.previous = node;
}
