import type { SettingInForce } from '../../config/in-force.ts';
import { BACKING_OFF, namesOf, UNTRIED } from '../../core/endpoints/reasons.ts';
import { codeOf, said } from './errors.ts';
import type { Diagnosis, EndpointSeen, Examination, KubernetesSeen } from './examination.ts';

/** An examination for programs. Each field is always there, and `null` if there is nothing to say. */
export function toJson(examination: Examination, { problems, advice }: Diagnosis): object {
  const { url, managed, mesh, names, resolution, response, settings, switches } = examination;
  const known = resolution !== undefined && 'endpoints' in resolution ? resolution : undefined;
  const failure = resolution !== undefined && 'error' in resolution ? resolution.error : undefined;
  return {
    url: url.href,
    verdict: problems.length === 0 ? 'well' : 'problems',
    problems,
    advice,
    managed,
    mesh: mesh ?? null,
    names: {
      matched: names.matched ?? null,
      servers: names.servers,
      steps: names.steps.map(({ source, name, addresses, ttl, error }) => ({
        source,
        name,
        addresses,
        ttl: ttl ?? null,
        error: toError(error),
      })),
    },
    kubernetes: kubernetesIn(examination.kubernetes),
    discovery: {
      source: known?.source ?? null,
      virtual: known?.virtual === true,
      passive: known?.passive === true,
      error: toError(failure),
    },
    endpoints: examination.endpoints.map(toEndpoint),
    notDialled: examination.notDialled,
    response:
      response === undefined
        ? null
        : {
            status: response.error === undefined ? response.status : null,
            location: response.location ?? null,
            keepAlive: response.keepAlive ?? null,
            closes: response.closes,
            kept: response.kept,
            identity: response.identity ?? null,
            error: toError(response.error),
          },
    clients: examination.clients,
    warnings: examination.warnings,
    switches: { disabled: switches.disabled, mode: switches.mode ?? null },
    settings: settings.filter(isPlain).map(toSetting),
  };
}

function kubernetesIn({ way, api, account, service, rights, seen, error }: KubernetesSeen) {
  return {
    way,
    api: api ?? null,
    account: account ?? null,
    service: service ?? null,
    rights: rights.map((right) => ({ ...right, allowed: right.allowed ?? null })),
    found: seen === 'absent' ? 'absent' : (seen?.supply.spec.kind ?? null),
    error: toError(error),
  };
}

/** The reasons why an agent would give an endpoint no requests, as its stats would list them. */
function reasonsOf(dial: EndpointSeen['dial']): string[] {
  return dial !== undefined && 'error' in dial ? namesOf(BACKING_OFF | UNTRIED) : [];
}

function toEndpoint({ address, port, zone, nodeName, state, dial }: EndpointSeen) {
  return {
    address,
    port,
    zone: zone ?? null,
    nodeName: nodeName ?? null,
    state,
    dial:
      dial === undefined
        ? null
        : 'took' in dial
          ? { took: dial.took, error: null }
          : { took: null, error: toError(dial.error) },
    reasons: reasonsOf(dial),
  };
}

function isPlain({ value }: SettingInForce): boolean {
  return Array.isArray(value) || !['function', 'object'].includes(typeof value);
}

/** `null` also means no limit. */
function toSetting({ name, value, from, variable }: SettingInForce) {
  const isLimit = value !== undefined && value !== Number.POSITIVE_INFINITY;
  return { name, value: isLimit ? value : null, from, variable: variable ?? null };
}

function toError(error: Error | undefined) {
  return error === undefined ? null : { code: codeOf(error) ?? null, message: said(error) };
}
