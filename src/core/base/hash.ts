const OFFSET_BASIS = 0x811c9dc5;

/**
 * FNV-1a, with MurmurHash3's finalizer: FNV alone maps names with the same ending near each other. The seed is another
 * hash, and makes a different hash function of it.
 */
export function hash(text: string, seed = OFFSET_BASIS): number {
  let h = seed;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
