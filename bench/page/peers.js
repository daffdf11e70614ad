// What ours is compared with: the browser's cipher and hash alone, which nothing built on them can
// beat, and what others would use.

import { Decrypter, Encrypter, generateIdentity, identityToRecipient } from 'age-encryption';
import sodium from 'libsodium-wrappers-sumo';
import * as openpgp from 'openpgp';

const pieceBytes = 256 * 1024;
/** Pieces under way at a time, as many as ours has. */
const together = 16;

function pieces(bytes, size) {
  const found = [];
  for (let at = 0; at < bytes.length; at += size) found.push(bytes.subarray(at, at + size));
  return found;
}

function nonce(index) {
  const iv = new Uint8Array(12);
  new DataView(iv.buffer).setUint32(8, index);
  return iv;
}

/** AES-GCM in pieces of 256 KiB, and SHA-256 over each sealed piece; what comes out stays in pieces. */
export async function limit() {
  const key = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']);
  const { subtle } = crypto;
  async function seal(plain) {
    const all = pieces(plain, pieceBytes);
    const sealed = [];
    for (let first = 0; first < all.length; first += together) {
      const batch = all.slice(first, first + together).map(async (piece, place) => {
        const bytes = await subtle.encrypt({ name: 'AES-GCM', iv: nonce(first + place) }, key, piece);
        await subtle.digest('SHA-256', bytes);
        return new Uint8Array(bytes);
      });
      sealed.push(...(await Promise.all(batch)));
    }
    return sealed;
  }
  async function open(sealed) {
    const plain = [];
    for (let first = 0; first < sealed.length; first += together) {
      const batch = sealed.slice(first, first + together).map(async (piece, place) => {
        const hashed = subtle.digest('SHA-256', piece);
        const bytes = await subtle.decrypt({ name: 'AES-GCM', iv: nonce(first + place) }, key, piece);
        await hashed;
        return new Uint8Array(bytes);
      });
      plain.push(...(await Promise.all(batch)));
    }
    return plain;
  }
  return { seal, open };
}

async function secretstream() {
  await sodium.ready;
  const key = sodium.crypto_secretstream_xchacha20poly1305_keygen();
  const { crypto_secretstream_xchacha20poly1305_TAG_MESSAGE: message } = sodium;
  return {
    async seal(plain) {
      const { state, header } = sodium.crypto_secretstream_xchacha20poly1305_init_push(key);
      const sealed = pieces(plain, pieceBytes)
        .map((piece) => sodium.crypto_secretstream_xchacha20poly1305_push(state, piece, null, message));
      return { header, sealed };
    },
    async open({ header, sealed }, into) {
      const state = sodium.crypto_secretstream_xchacha20poly1305_init_pull(header, key);
      let at = 0;
      for (const piece of sealed) {
        const { message: plain } = sodium.crypto_secretstream_xchacha20poly1305_pull(state, piece, null);
        into.set(plain, at);
        at += plain.length;
      }
      return into;
    },
  };
}

async function pgp() {
  const config = { aeadProtect: true, preferredAEADAlgorithm: openpgp.enums.aead.gcm };
  const sessionKey = { data: crypto.getRandomValues(new Uint8Array(32)), algorithm: 'aes256', aeadAlgorithm: 'gcm' };
  return {
    async seal(plain) {
      const message = await openpgp.createMessage({ binary: plain, format: 'binary' });
      return openpgp.encrypt({ message, sessionKey, passwords: 'bench', format: 'binary', config });
    },
    async open(sealed) {
      const message = await openpgp.readMessage({ binaryMessage: sealed });
      const { data } = await openpgp.decrypt({ message, sessionKeys: sessionKey, format: 'binary', config });
      return data;
    },
  };
}

async function age() {
  const identity = await generateIdentity();
  const encrypter = new Encrypter();
  encrypter.addRecipient(await identityToRecipient(identity));
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  return {
    seal: (plain) => encrypter.encrypt(plain),
    open: (sealed) => decrypter.decrypt(sealed),
  };
}

/** Each by its name, as it is made ready. */
export const peers = { 'libsodium secretstream': secretstream, 'OpenPGP.js AES-GCM': pgp, 'age-encryption': age };
