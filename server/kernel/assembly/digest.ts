/** SHA-1 (RFC 3174). */
import { DIGEST, SCHEDULE } from "./memory";

/** Hashes `length` bytes at `from`; up to 72 bytes behind them are overwritten. The digest goes to `DIGEST`. */
export function digestSha1(from: usize, length: u32): void {
  store<u32>(DIGEST, 0x67452301);
  store<u32>(DIGEST + 4, 0xefcdab89);
  store<u32>(DIGEST + 8, 0x98badcfe);
  store<u32>(DIGEST + 12, 0x10325476);
  store<u32>(DIGEST + 16, 0xc3d2e1f0);
  const padded = (length + 72) & ~63;
  memory.fill(from + length, 0, padded - length);
  store<u8>(from + length, 0x80);
  store<u64>(from + padded - 8, bswap<u64>((<u64>length) << 3));
  const stop = from + padded;
  for (let block = from; block < stop; block += 64) hashBlock(block);
  for (let at: usize = DIGEST; at < DIGEST + 20; at += 4) store<u32>(at, bswap<u32>(load<u32>(at)));
}

function hashBlock(block: usize): void {
  for (let i: usize = 0; i < 64; i += 4) store<u32>(SCHEDULE + i, bswap<u32>(load<u32>(block + i)));
  for (let at: usize = SCHEDULE + 64; at < SCHEDULE + 320; at += 4) {
    const mixed = load<u32>(at - 12) ^ load<u32>(at - 32) ^ load<u32>(at - 56) ^ load<u32>(at - 64);
    store<u32>(at, rotl<u32>(mixed, 1));
  }
  let a = load<u32>(DIGEST);
  let b = load<u32>(DIGEST + 4);
  let c = load<u32>(DIGEST + 8);
  let d = load<u32>(DIGEST + 12);
  let e = load<u32>(DIGEST + 16);
  // Five rounds at a time, after which each word is where it was: none has to be moved.
  for (let at: usize = SCHEDULE; at < SCHEDULE + 80; at += 20) {
    e += rotl<u32>(a, 5) + ((b & (c ^ d)) ^ d) + load<u32>(at) + 0x5a827999;
    b = rotl<u32>(b, 30);
    d += rotl<u32>(e, 5) + ((a & (b ^ c)) ^ c) + load<u32>(at, 4) + 0x5a827999;
    a = rotl<u32>(a, 30);
    c += rotl<u32>(d, 5) + ((e & (a ^ b)) ^ b) + load<u32>(at, 8) + 0x5a827999;
    e = rotl<u32>(e, 30);
    b += rotl<u32>(c, 5) + ((d & (e ^ a)) ^ a) + load<u32>(at, 12) + 0x5a827999;
    d = rotl<u32>(d, 30);
    a += rotl<u32>(b, 5) + ((c & (d ^ e)) ^ e) + load<u32>(at, 16) + 0x5a827999;
    c = rotl<u32>(c, 30);
  }
  for (let at: usize = SCHEDULE + 80; at < SCHEDULE + 160; at += 20) {
    e += rotl<u32>(a, 5) + (b ^ c ^ d) + load<u32>(at) + 0x6ed9eba1;
    b = rotl<u32>(b, 30);
    d += rotl<u32>(e, 5) + (a ^ b ^ c) + load<u32>(at, 4) + 0x6ed9eba1;
    a = rotl<u32>(a, 30);
    c += rotl<u32>(d, 5) + (e ^ a ^ b) + load<u32>(at, 8) + 0x6ed9eba1;
    e = rotl<u32>(e, 30);
    b += rotl<u32>(c, 5) + (d ^ e ^ a) + load<u32>(at, 12) + 0x6ed9eba1;
    d = rotl<u32>(d, 30);
    a += rotl<u32>(b, 5) + (c ^ d ^ e) + load<u32>(at, 16) + 0x6ed9eba1;
    c = rotl<u32>(c, 30);
  }
  for (let at: usize = SCHEDULE + 160; at < SCHEDULE + 240; at += 20) {
    e += rotl<u32>(a, 5) + ((b & c) | (d & (b | c))) + load<u32>(at) + 0x8f1bbcdc;
    b = rotl<u32>(b, 30);
    d += rotl<u32>(e, 5) + ((a & b) | (c & (a | b))) + load<u32>(at, 4) + 0x8f1bbcdc;
    a = rotl<u32>(a, 30);
    c += rotl<u32>(d, 5) + ((e & a) | (b & (e | a))) + load<u32>(at, 8) + 0x8f1bbcdc;
    e = rotl<u32>(e, 30);
    b += rotl<u32>(c, 5) + ((d & e) | (a & (d | e))) + load<u32>(at, 12) + 0x8f1bbcdc;
    d = rotl<u32>(d, 30);
    a += rotl<u32>(b, 5) + ((c & d) | (e & (c | d))) + load<u32>(at, 16) + 0x8f1bbcdc;
    c = rotl<u32>(c, 30);
  }
  for (let at: usize = SCHEDULE + 240; at < SCHEDULE + 320; at += 20) {
    e += rotl<u32>(a, 5) + (b ^ c ^ d) + load<u32>(at) + 0xca62c1d6;
    b = rotl<u32>(b, 30);
    d += rotl<u32>(e, 5) + (a ^ b ^ c) + load<u32>(at, 4) + 0xca62c1d6;
    a = rotl<u32>(a, 30);
    c += rotl<u32>(d, 5) + (e ^ a ^ b) + load<u32>(at, 8) + 0xca62c1d6;
    e = rotl<u32>(e, 30);
    b += rotl<u32>(c, 5) + (d ^ e ^ a) + load<u32>(at, 12) + 0xca62c1d6;
    d = rotl<u32>(d, 30);
    a += rotl<u32>(b, 5) + (c ^ d ^ e) + load<u32>(at, 16) + 0xca62c1d6;
    c = rotl<u32>(c, 30);
  }
  store<u32>(DIGEST, load<u32>(DIGEST) + a);
  store<u32>(DIGEST + 4, load<u32>(DIGEST + 4) + b);
  store<u32>(DIGEST + 8, load<u32>(DIGEST + 8) + c);
  store<u32>(DIGEST + 12, load<u32>(DIGEST + 12) + d);
  store<u32>(DIGEST + 16, load<u32>(DIGEST + 16) + e);
}
