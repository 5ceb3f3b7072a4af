// Passkeys: the browser's ceremony, between the service's options and its verification.

import { authCall } from "./auth-call.ts";

export const passkeysWork = typeof PublicKeyCredential !== "undefined";

export async function signInWithPasskey(): Promise<void> {
  const options = await authCall("/passkey/generate-authenticate-options", undefined, "GET");
  const credential = await navigator.credentials.get({
    publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(optionsOf(options)),
  });
  await authCall("/passkey/verify-authentication", { response: answerOf(credential) });
}

export async function addPasskey(name: string): Promise<void> {
  const query = `?name=${encodeURIComponent(name)}`;
  const options = await authCall(`/passkey/generate-register-options${query}`, undefined, "GET");
  const credential = await navigator.credentials.create({
    publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(optionsOf(options)),
  });
  await authCall("/passkey/verify-registration", { response: answerOf(credential), name });
}

// The browser itself checks the options' form and throws for what is none.
// oxlint-disable-next-line typescript/no-explicit-any
function optionsOf(value: unknown): any {
  return value;
}

function answerOf(credential: Credential | null): unknown {
  if (!(credential instanceof PublicKeyCredential)) throw new Error("No passkey was chosen.");
  const answer = credential.toJSON();
  return { ...answer, clientExtensionResults: credential.getClientExtensionResults() };
}
