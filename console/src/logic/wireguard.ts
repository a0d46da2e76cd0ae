// SPDX-License-Identifier: Apache-2.0
// A stock WireGuard client's keys and its configuration, as `rnaut export` writes it.
import type { Client } from "../types";

export interface KeyPair {
  secret: string;
  public: string;
}

const NO_KEYS = "This browser cannot make WireGuard keys. Use a newer one, or rnaut export on the gateway.";

const fromBase64Url = (text: string) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const toBase64 = (bytes: Uint8Array) => btoa(String.fromCharCode(...bytes));

/** Made by the browser: the private half goes nowhere but into the configuration. */
export async function makeKeys(): Promise<KeyPair> {
  let key: JsonWebKey;
  try {
    const pair = (await crypto.subtle.generateKey({ name: "X25519" }, true, ["deriveBits"])) as CryptoKeyPair;
    key = await crypto.subtle.exportKey("jwk", pair.privateKey);
  } catch {
    throw new Error(NO_KEYS);
  }
  const secret = fromBase64Url(key.d ?? "");
  const shared = fromBase64Url(key.x ?? "");
  if (secret.length !== 32 || shared.length !== 32) throw new Error(NO_KEYS);
  // As wg genkey does: the bits that X25519 ignores or sets.
  secret[0] = (secret[0] ?? 0) & 248;
  secret[31] = ((secret[31] ?? 0) & 127) | 64;
  return { secret: toBase64(secret), public: toBase64(shared) };
}

export function configuration({ device, hub, network }: Client, secret: string): string {
  const addresses = [device.virtual_ip && `${device.virtual_ip}/128`, device.virtual_ipv4 && `${device.virtual_ipv4}/32`];
  return `# ${device.client_id}, through ${hub.client_id}
[Interface]
PrivateKey = ${secret}
Address = ${addresses.filter(Boolean).join(", ")}
MTU = ${network.mtu}

[Peer]
PublicKey = ${hub.wireguard_public_key}
Endpoint = ${hub.wireguard_endpoint}
AllowedIPs = ${network.prefixes.join(", ")}
PersistentKeepalive = 25
`;
}
