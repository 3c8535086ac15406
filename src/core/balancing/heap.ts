/** An entry of a `Heap`. */
export class HeapNode<T> {
  readonly value: T;
  /** Where it stands in its heap. */
  index = -1;

  constructor(value: T) {
    this.value = value;
  }
}

/** Children of a node. Four lie side by side in memory, and make the path to the bottom half as long as two. */
const ARITY = 4;
const ARITY_BITS = 2;

/** Nodes by keys. The one with the least is found at once; any of them moves or leaves in logarithmic time. */
export class Heap<T> {
  readonly #nodes: HeapNode<T>[] = [];
  /** The keys of the nodes: comparing them touches no node. */
  readonly #keys: number[] = [];

  get first(): HeapNode<T> | undefined {
    return this.#nodes[0];
  }

  add(node: HeapNode<T>, key: number): void {
    this.#rise(node, key, this.#nodes.length);
  }

  remove(node: HeapNode<T>): void {
    const last = this.#nodes.pop()!;
    const key = this.#keys.pop()!;
    if (last !== node) this.#sift(last, key, node.index);
    node.index = -1;
  }

  /** Gives a node of this heap a key; says whether it is another one. */
  move(node: HeapNode<T>, key: number): boolean {
    if (key === this.#keys[node.index]) return false;
    this.#sift(node, key, node.index);
    return true;
  }

  /** Puts a node where it belongs, starting from a place that is free. */
  #sift(node: HeapNode<T>, key: number, index: number): void {
    if (index > 0 && key < this.#keys[(index - 1) >> ARITY_BITS]!) this.#rise(node, key, index);
    else this.#sink(node, key, index);
  }

  #rise(node: HeapNode<T>, key: number, from: number): void {
    const keys = this.#keys;
    let index = from;
    while (index > 0) {
      const parent = (index - 1) >> ARITY_BITS;
      if (keys[parent]! <= key) break;
      this.#put(this.#nodes[parent]!, keys[parent]!, index);
      index = parent;
    }
    this.#put(node, key, index);
  }

  #sink(node: HeapNode<T>, key: number, from: number): void {
    const keys = this.#keys;
    const size = keys.length;
    let index = from;
    for (;;) {
      const first = index * ARITY + 1;
      if (first >= size) break;
      const end = Math.min(first + ARITY, size);
      let least = first;
      for (let child = first + 1; child < end; child++) if (keys[child]! < keys[least]!) least = child;
      if (keys[least]! >= key) break;
      this.#put(this.#nodes[least]!, keys[least]!, index);
      index = least;
    }
    this.#put(node, key, index);
  }

  #put(node: HeapNode<T>, key: number, index: number): void {
    this.#nodes[index] = node;
    this.#keys[index] = key;
    node.index = index;
  }
}
