import { isLoopback } from '../../core/discovery/addresses.ts';

const LOCAL = /^localhost$|\.localhost$/;
const UNTRUSTED = /^(CERT_|SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_|ERR_TLS_CERT_)/;
const NO_TLS = ['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG'];
const NO_PROTOCOL = 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL';

export function codeOf(error: Error | undefined): string | undefined {
  return (error as NodeJS.ErrnoException | undefined)?.code;
}

/** The message of an error, in one line. Errors of OpenSSL contain lines of its source code. */
export function said(error: Error): string {
  const { code = '', reason } = error as NodeJS.ErrnoException & { reason?: string };
  if (code.startsWith('ERR_SSL_') && reason !== undefined) return `TLS failed: ${reason}`;
  return error.message.trim().split('\n')[0] || code || error.name;
}

/** Whether a certificate is the reason: it isn't trusted here, or is for another name. */
export function isUntrusted(error: Error): boolean {
  return UNTRUSTED.test(codeOf(error) ?? '');
}

/** What to do about a failed dial. */
export function afterDial(
  url: URL,
  { address, port }: { address: string; port: number },
  error: Error,
): string {
  const code = codeOf(error) ?? '';
  if (NO_TLS.includes(code)) return 'the server speaks no TLS on this port: should the URL begin with http:?';
  if (code === NO_PROTOCOL)
    return 'does the server speak HTTP/2 only? That takes allowH2 (EVENKEEL_ALLOW_H2=true)';
  if (isUntrusted(error)) {
    const host = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
    const look = `openssl s_client -connect ${host} -servername ${url.hostname} </dev/null | openssl x509 -noout -issuer -dates -ext subjectAltName`;
    return `${remedyFor(code)}: ${look}`;
  }
  if (code === 'ECONNREFUSED') {
    return LOCAL.test(url.hostname) || isLoopback(url.hostname)
      ? 'does the server run, and listen on this port?'
      : `does the container listen on this port, and on 0.0.0.0 and not on localhost? kubectl get pods --all-namespaces -o wide | grep -w ${address}`;
  }
  return 'does a NetworkPolicy, or a firewall, stand between? kubectl get networkpolicies --all-namespaces';
}

/** What to do if no response came over a connection. */
export function afterRequest(url: URL, error: Error): string {
  const code = codeOf(error) ?? '';
  const look = `curl -v --max-time 30 ${url.href}`;
  if (code === 'UND_ERR_HEADERS_TIMEOUT')
    return `is the server overloaded, or does it not answer HEAD? ${look}`;
  if (code === 'UND_ERR_HEADERS_OVERFLOW') {
    return 'the option maxHeaderSize (EVENKEEL_MAX_HEADER_SIZE, in bytes) lets more come';
  }
  if (error.name === 'HTTPParserError') {
    return 'is it the right port? HTTP/2 without TLS, as gRPC has it, takes the option useH2c (EVENKEEL_USE_H2C=true)';
  }
  return url.protocol === 'https:'
    ? `does the server want a client certificate (the option connect)? ${look}`
    : `does the server speak HTTP on this port, or should the URL begin with https:? ${look}`;
}

function remedyFor(code: string): string {
  if (code === 'CERT_HAS_EXPIRED') return 'the certificate has to be renewed';
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return 'the URL needs a name that is in the certificate';
  return 'the CA has to be known here (NODE_EXTRA_CA_CERTS=/path/to/ca.crt, or the option connect)';
}
