/** A record as the test server keeps it; `ttl` in seconds. */
export type DnsRecord =
  | { readonly type: 'A' | 'AAAA'; readonly address: string; readonly ttl: number }
  | { readonly type: 'CNAME'; readonly target: string; readonly ttl: number }
  | {
      readonly type: 'SRV';
      readonly target: string;
      readonly port: number;
      readonly priority: number;
      readonly weight: number;
      readonly ttl: number;
    };

export type RecordType = DnsRecord['type'];

export interface Question {
  readonly id: number;
  /** In lower case, without a final dot. */
  readonly name: string;
  /** `undefined`: one that the server doesn't know. */
  readonly type: RecordType | undefined;
  /** Name, type and class as they came, to be sent back. */
  readonly bytes: Buffer;
}

export interface Answer {
  readonly name: string;
  readonly record: DnsRecord;
}

const TYPES: Record<RecordType, number> = { A: 1, CNAME: 5, AAAA: 28, SRV: 33 };
export const RCODES = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, REFUSED: 5 };
export type Rcode = keyof typeof RCODES;

const HEADER_LENGTH = 12;
const RESPONSE = 0x8000;
const AUTHORITATIVE = 0x0400;
const TRUNCATED = 0x0200;
const RECURSION_AVAILABLE = 0x0080;

/** Reads the one question of a query (RFC 1035). */
export function parseQuestion(message: Buffer): Question {
  const labels: string[] = [];
  let offset = HEADER_LENGTH;
  for (let length = message.readUInt8(offset); length > 0; length = message.readUInt8(offset)) {
    labels.push(message.toString('latin1', offset + 1, offset + 1 + length));
    offset += 1 + length;
  }
  const code = message.readUInt16BE(offset + 1);
  return {
    id: message.readUInt16BE(0),
    name: labels.join('.').toLowerCase(),
    type: (Object.keys(TYPES) as RecordType[]).find((type) => TYPES[type] === code),
    bytes: message.subarray(HEADER_LENGTH, offset + 5),
  };
}

/** Writes a response. Answers that don't fit into `limit` bytes are left out, and the message says so. */
export function writeResponse(
  question: Question,
  rcode: Rcode,
  answers: readonly Answer[],
  limit: number,
): Buffer {
  const header = Buffer.alloc(HEADER_LENGTH);
  // Where each name stands, for the next ones to point to. The question is there already.
  const names = new Map<string, number>();
  writeName(question.name, HEADER_LENGTH, names);
  const parts = [header, question.bytes];
  let length = HEADER_LENGTH + question.bytes.length;
  let count = 0;
  for (const answer of answers) {
    const bytes = writeAnswer(answer, length, names);
    if (length + bytes.length > limit) break;
    parts.push(bytes);
    length += bytes.length;
    count++;
  }
  const truncated = count < answers.length ? TRUNCATED : 0;
  header.writeUInt16BE(question.id, 0);
  header.writeUInt16BE(RESPONSE | AUTHORITATIVE | truncated | RECURSION_AVAILABLE | RCODES[rcode], 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(count, 6);
  return Buffer.concat(parts);
}

function writeAnswer({ name, record }: Answer, offset: number, names: Map<string, number>): Buffer {
  const owner = writeName(name, offset, names);
  const fixed = Buffer.alloc(10);
  const data = writeData(record, offset + owner.length + fixed.length, names);
  fixed.writeUInt16BE(TYPES[record.type], 0);
  fixed.writeUInt16BE(1, 2);
  fixed.writeUInt32BE(record.ttl, 4);
  fixed.writeUInt16BE(data.length, 8);
  return Buffer.concat([owner, fixed, data]);
}

function writeData(record: DnsRecord, offset: number, names: Map<string, number>): Buffer {
  switch (record.type) {
    case 'A':
      return Buffer.from(record.address.split('.').map(Number));
    case 'AAAA':
      return writeIPv6(record.address);
    case 'CNAME':
      return writeName(record.target, offset, names);
    case 'SRV': {
      const fixed = Buffer.alloc(6);
      fixed.writeUInt16BE(record.priority, 0);
      fixed.writeUInt16BE(record.weight, 2);
      fixed.writeUInt16BE(record.port, 4);
      // RFC 2782 wants this name whole.
      return Buffer.concat([fixed, writeName(record.target, offset, new Map())]);
    }
  }
}

function writeIPv6(address: string): Buffer {
  const [head = [], tail = []] = address.split('::').map((part) => part.split(':').filter(Boolean));
  const zeros = Array<string>(8 - head.length - tail.length).fill('0');
  const groups = [...head, ...zeros, ...tail];
  return Buffer.from(groups.map((group) => group.padStart(4, '0')).join(''), 'hex');
}

function writeName(name: string, offset: number, names: Map<string, number>): Buffer {
  const parts: Buffer[] = [];
  for (let rest = name; rest !== ''; rest = rest.slice(rest.indexOf('.') + 1 || rest.length)) {
    const seen = names.get(rest);
    if (seen !== undefined) return Buffer.concat([...parts, Buffer.of(0xc0 | (seen >> 8), seen & 0xff)]);
    // A pointer has 14 bits.
    if (offset < 0x4000) names.set(rest, offset);
    const [label = ''] = rest.split('.');
    parts.push(Buffer.of(label.length), Buffer.from(label, 'latin1'));
    offset += 1 + label.length;
  }
  return Buffer.concat([...parts, Buffer.of(0)]);
}
