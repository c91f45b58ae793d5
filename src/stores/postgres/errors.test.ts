import { describe, expect, it } from 'vitest';
import { isWorldfoldError, WorldfoldError } from '../../base/errors.ts';
import { endsConnection, refuse, sqlState } from './errors.ts';

const said = (code: string, message = 'it failed'): Error => Object.assign(new Error(message), { code });

function refusal(e: unknown): WorldfoldError {
  try {
    return refuse(e, 'postgres://h:1/d');
  } catch (thrown) {
    if (!isWorldfoldError(thrown)) throw thrown;
    return thrown;
  }
}

describe('what the database says becomes an error of this project', () => {
  it.each([
    ['ECONNREFUSED', /server runs/],
    ['ENOTFOUND', /address/],
    ['ECONNRESET', /lost/],
    ['08006', /lost/],
    ['28P01', /password/],
    ['3D000', /createdb/],
    ['42501', /rights/],
    ['25006', /standby/],
    ['25P03', /transactionTimeoutMs/],
    ['53100', /disk/],
    ['53300', /max_connections/],
    ['55P03', /lockTimeoutMs/],
    ['57P01', /stopping/],
    ['40001', /again/],
    ['40P01', /again/],
  ])('%s is STORE_FAILED with a hint', (code, hint) => {
    const cause = said(code);
    const e = refusal(cause);
    expect(e).toMatchObject({ code: 'STORE_FAILED', cause });
    expect(e.message).toBe('postgres://h:1/d failed: it failed');
    expect(e.hint).toMatch(hint);
  });

  it('another code is STORE_FAILED without one', () => {
    expect(refusal(said('22012'))).toMatchObject({ code: 'STORE_FAILED', hint: undefined });
    expect(refusal('nothing').message).toContain('nothing');
  });

  it.each(['XX001', 'XX002'])('L12: damage that the server found (%s) is CORRUPT', (code) => {
    expect(refusal(said(code))).toMatchObject({ code: 'CORRUPT', facts: { sqlstate: code } });
  });

  it('an error of this project stays what it is', () => {
    const own = new WorldfoldError('GAP', 'a gap');
    expect(refusal(own)).toBe(own);
  });

  it('each address of a host is heard', () => {
    const both = new AggregateError(
      [said('ECONNREFUSED', 'no ::1'), said('ECONNREFUSED', 'no 127.0.0.1')],
      '',
    );
    expect(refusal(both).message).toContain('no ::1; no 127.0.0.1');
  });

  it('tells what ends a connection from what ends a statement', () => {
    for (const code of ['57P01', '57P02', '08006', '25P03', 'ECONNRESET'])
      expect(endsConnection(said(code)), code).toBe(true);
    for (const code of ['22012', '40001', '25006', '57014', '55P03'])
      expect(endsConnection(said(code)), code).toBe(false);
    expect(endsConnection(new WorldfoldError('CORRUPT', 'a number'))).toBe(false);
    expect(endsConnection(new Error('Connection terminated unexpectedly'))).toBe(true);
    expect(sqlState(said('EPIPE'))).toBeUndefined();
  });
});
