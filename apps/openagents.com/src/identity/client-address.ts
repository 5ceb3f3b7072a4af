// Where a request comes from. `X-Forwarded-For` is believed as far as it was
// written by proxies that the configuration names, and not one hop further:
// what a caller writes there itself changes nothing.

import { BlockList, isIP } from "node:net";
import { ConfigError } from "@openagents/service";

export type ClientAddress = (remoteAddress: string, forwardedFor: string | undefined) => string;

/** Throws `ConfigError` for a proxy that is neither an address nor a network such as 10.0.0.0/8. */
export function createClientAddress(trustedProxies: readonly string[]): ClientAddress {
  const trusted = new BlockList();
  for (const proxy of trustedProxies) addProxy(trusted, proxy);
  const isTrusted = (address: string) => trusted.check(address, familyOf(address));

  return (remoteAddress, forwardedFor) => {
    let address = plain(remoteAddress);
    const hops = (forwardedFor ?? "").split(",").map((hop) => plain(hop.trim()));
    while (isIP(address) !== 0 && isTrusted(address)) {
      const before = hops.pop();
      if (before === undefined || isIP(before) === 0) break;
      address = before;
    }
    return address;
  };
}

function addProxy(list: BlockList, proxy: string): void {
  const [address = "", bits] = proxy.split("/");
  const prefix = bits === undefined ? (isIP(address) === 6 ? 128 : 32) : Number(bits);
  if (
    isIP(address) === 0 ||
    !Number.isInteger(prefix) ||
    prefix < 0 ||
    prefix > (isIP(address) === 6 ? 128 : 32)
  )
    throw new ConfigError(
      `The trusted proxy "${proxy}" is neither an address nor a network such as 10.0.0.0/8.`,
    );
  list.addSubnet(address, prefix, familyOf(address));
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return isIP(address) === 6 ? "ipv6" : "ipv4";
}

/** An IPv4 address stays one when it arrives over an IPv6 socket. */
function plain(address: string): string {
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
}
