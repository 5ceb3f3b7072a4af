// All sessions of this server.

import type { Claims } from "./claims.ts";
import type { PresenceTable } from "./presence.ts";
import type { Ending, Session } from "./session.ts";

export class Sessions {
  private readonly all = new Set<Session>();
  private readonly ofIdentity = new Map<string, Set<Session>>();

  get size(): number {
    return this.all.size;
  }

  get queries(): number {
    let sum = 0;
    for (const session of this.all) sum += session.queries;
    return sum;
  }

  get waitingBytes(): number {
    let sum = 0;
    for (const session of this.all) sum += session.waitingBytes;
    return sum;
  }

  countOf(identityHex: string): number {
    return this.ofIdentity.get(identityHex)?.size ?? 0;
  }

  add(session: Session): void {
    this.all.add(session);
    const { identityHex } = session.claims;
    const own = this.ofIdentity.get(identityHex);
    if (own === undefined) this.ofIdentity.set(identityHex, new Set([session]));
    else own.add(session);
  }

  remove(session: Session): void {
    this.all.delete(session);
    const own = this.ofIdentity.get(session.claims.identityHex);
    own?.delete(session);
    if (own?.size === 0) this.ofIdentity.delete(session.claims.identityHex);
  }

  flush(): void {
    for (const session of this.all) session.flush();
  }

  sweep(nowMs: number): void {
    for (const session of this.all) session.sweep(nowMs);
  }

  endWhere(holds: (claims: Claims) => boolean, ending: Ending): void {
    for (const session of this.all) if (holds(session.claims)) session.end(ending);
  }

  terminate(): void {
    for (const session of this.all) session.terminate();
  }

  presenceChanged(identityHex: string, table: PresenceTable): void {
    for (const session of this.ofIdentity.get(identityHex) ?? []) session.presenceChanged(table);
  }

  async checkpointMoved(clientId: string, identityHex: string): Promise<void> {
    const own = [...(this.ofIdentity.get(identityHex) ?? [])];
    await Promise.all(own.map((session) => session.checkpointMoved(clientId)));
  }
}
