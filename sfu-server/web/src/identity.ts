import { keep, recall } from './memory';

const SUFFIX = 'call.identity-suffix';
const NAME = 'call.name';

/**
 * The identity of this tab under a name. It survives a reload, so that the server recognises the
 * returning tab and ends the session it left behind; another tab gets another identity, so that
 * two people of one name can meet.
 */
export function tabIdentity(name: string): string {
  suffix ??= recall(() => sessionStorage, SUFFIX) ?? freshSuffix();
  return `${name}-${suffix}`;
}

let suffix: string | undefined;

function freshSuffix(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(6));
  const fresh = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  keep(() => sessionStorage, SUFFIX, fresh);
  return fresh;
}

/** The name given last time in this browser. */
export function rememberedName(): string {
  return recall(() => localStorage, NAME) ?? '';
}

export function rememberName(name: string): void {
  keep(() => localStorage, NAME, name);
}
