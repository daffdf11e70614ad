// Passkeys: what the authenticator's `prf` extension gives opens the safe. Nothing else that it answers is used, and
// nothing of it is sent anywhere (PROTOCOL 6.6).

import { Refusal } from '../worker/intents';

interface PrfOutputs {
  prf?: { enabled?: boolean; results?: { first?: BufferSource } };
}

/** Whether this browser knows passkeys at all. */
export function knowsPasskeys(): boolean {
  return typeof PublicKeyCredential === 'function' && 'credentials' in navigator;
}

function random(bytes: number): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(bytes));
}

/** As base64url. */
function given(credential: PublicKeyCredential): string | null {
  const { prf } = credential.getClientExtensionResults() as PrfOutputs;
  const first = prf?.results?.first;
  if (!first) return null;
  const bytes = first instanceof ArrayBuffer ? new Uint8Array(first) : new Uint8Array(first.buffer, first.byteOffset, first.byteLength);
  return btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** The person closed the browser's own question, or it took too long. */
async function asked<T>(question: Promise<T | null>): Promise<T> {
  const answer = await question.catch((thrown: unknown) => {
    throw new Refusal((thrown as DOMException).name === 'NotAllowedError' ? 'passkey_stopped' : 'passkey_fails');
  });
  if (answer === null) throw new Refusal('passkey_stopped');
  return answer;
}

async function evaluate(input: Uint8Array, allowCredentials: PublicKeyCredentialDescriptor[]): Promise<string> {
  const extensions = { prf: { eval: { first: input } } } as AuthenticationExtensionsClientInputs;
  const credential = await asked(navigator.credentials.get({
    publicKey: { challenge: random(32), userVerification: 'required', allowCredentials, extensions },
  }));
  const secret = given(credential as PublicKeyCredential);
  if (!secret) throw new Refusal('passkey_no_secret');
  return secret;
}

/** Asks the person for a passkey that they have here. */
export function usePasskey(input: Uint8Array): Promise<string> {
  return evaluate(input, []);
}

/** Makes a passkey called `name`, and asks it for its secret. */
export async function makePasskey(input: Uint8Array, name: string): Promise<string> {
  const made = (await asked(navigator.credentials.create({
    publicKey: {
      challenge: random(32),
      rp: { name: location.hostname },
      user: { id: random(16), name, displayName: name },
      // Ed25519, ECDSA on P-256, RSA: nobody verifies what they sign.
      pubKeyCredParams: [-8, -7, -257].map((alg) => ({ type: 'public-key', alg })),
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
      extensions: { prf: { eval: { first: input } } } as AuthenticationExtensionsClientInputs,
    },
  }))) as PublicKeyCredential;
  const secret = given(made);
  if (secret) return secret;
  const { prf } = made.getClientExtensionResults() as PrfOutputs;
  // Some give it only when they are asked a second time.
  if (prf?.enabled) return evaluate(input, [{ type: 'public-key', id: made.rawId }]);
  throw new Refusal('passkey_no_secret');
}
