// What of the user's environment an agent's process gets: where programs are,
// what language to speak, how to reach the network, and the variables named.
// Everything else stays out, since it is mostly other programs' secrets.

const NAMES = ["PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TERM", "TZ"];
const NETWORK_NAMES = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"];

export function plainEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  alsoNames: readonly string[] = [],
): Record<string, string> {
  const names = [...NAMES, ...NETWORK_NAMES.flatMap((name) => [name, name.toLowerCase()]), ...alsoNames];
  const plain: Record<string, string> = {};
  for (const name of names) {
    const value = env[name];
    if (value !== undefined) plain[name] = value;
  }
  return plain;
}
