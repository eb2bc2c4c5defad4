// People who are handed on from another site: what its programs hold, and the links that they make of it.
import { expect } from '@playwright/test';
import type { Person } from './people.ts';
import type { Latchkey } from './server.ts';

export const LANDING = '/auth/thirdPartySignIn';

/** What Salesflow’s programs hold of a session. */
export interface SfToken {
  email: string;
  expiresIn: number;
  accessToken: string;
  localId: string;
  refreshToken: string;
}

/** Signs in as such a program does. */
export async function holdsTokens(latchkey: Latchkey, { email, password }: Person, headers: Record<string, string> = {}): Promise<SfToken> {
  const answer = await fetch(`${latchkey.url}/auth/login`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify({ email, password }),
  });
  expect(answer.status).toBe(200);
  const token = (await answer.json()) as SfToken;
  keepsSecret(latchkey, token);
  return token;
}

export function keepsSecret(latchkey: Latchkey, { accessToken, refreshToken }: SfToken): void {
  latchkey.keepsSecret('access token', accessToken);
  latchkey.keepsSecret('refresh token', refreshToken);
}

/** The link with the tokens in it; encoded once, or once more. */
export function rawLink(token: object | string, times = 1): string {
  let text = typeof token === 'string' ? token : JSON.stringify(token);
  for (let time = 0; time < times; time += 1) text = encodeURIComponent(text);
  return `${LANDING}?SF_Token=${text}`;
}

/** The link with a ticket in it. */
export async function ticketLink(latchkey: Latchkey, { accessToken }: SfToken): Promise<string> {
  const answer = await fetch(`${latchkey.url}/v1/auth/handoff`, { method: 'POST', headers: { Authorization: `Bearer ${accessToken}` } });
  expect(answer.status).toBe(200);
  const { url, ticket } = (await answer.json()) as { url: string; ticket: string };
  latchkey.keepsSecret('ticket', ticket);
  expect(url).toBe(`${latchkey.url}${LANDING}?ticket=${ticket}`);
  return url.replace(latchkey.url, '');
}

/** What the button says to somebody. */
export const goOn = ({ name, email }: Person): string => `Continue as ${name} (${email})`;
