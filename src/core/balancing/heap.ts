/** An entry of a `Heap`. */
export class HeapNode<T> {
  readonly value: T;
  /** Its index in the heap. */
  index = -1;

  constructor(value: T) {
    this.value = value;
  }
}

/** How many children a node has. Four are next to each other in memory, and halve the length of a path. */
const ARITY = 4;
const ARITY_BITS = 2;

/** Nodes with keys. Finds the node with the least key at once. Any node moves or leaves in logarithmic time. */
export class Heap<T> {
  readonly #nodes: HeapNode<T>[] = [];
  /** The keys of the nodes, so that comparing them reads no node. */
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

  /** Sets the key of a node of this heap. */
  move(node: HeapNode<T>, key: number): void {
    if (key !== this.#keys[node.index]) this.#sift(node, key, node.index);
  }

  /** Puts a node where it belongs, beginning at a free index. */
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
