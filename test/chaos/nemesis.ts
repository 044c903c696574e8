import { rmSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { EdgeName, MemberName, Republishing, ServiceUnderTest } from './fault-kinds.js';
import { isThere, type Member, signal, type UnplannedEnd } from './member.js';
import { republish } from './republish.js';
import type { Rig } from './rig.js';
import type { Fault } from './schedule.js';

/** When a member was killed, milliseconds since the start of the load; it was there again at `untilMs`. */
export interface Kill {
  readonly member: MemberName;
  readonly atMs: number;
  readonly untilMs: number;
}

/** What was done to a gateway. */
export interface Havoc {
  readonly faults: number;
  readonly kills: readonly Kill[];
  /** Processes that ended although nobody had killed them. */
  readonly unplanned: readonly UnplannedEnd[];
}

const LOOK_MS = 500;
const REPUBLISH_TRIES = 8;
const START_TRIES = 10;

/** Carries out a schedule, and says each fault. */
export class Nemesis {
  readonly #rig: Rig;
  readonly #nowMs: () => number;
  readonly #say: (text: string) => void;
  readonly #kills: Kill[] = [];
  readonly #unplanned: UnplannedEnd[] = [];
  /** Members that have no process because of a fault. */
  readonly #down = new Set<MemberName>();
  /** What is done to one target is done one after the other. */
  readonly #turns = new Map<string, Promise<void>>();

  /** @param nowMs milliseconds since the start of the load */
  constructor(rig: Rig, nowMs: () => number, say: (text: string) => void) {
    this.#rig = rig;
    this.#nowMs = nowMs;
    this.#say = say;
  }

  /** @returns when everything that was broken is healed @throws the first failure, when nothing is in hand any more */
  async run(schedule: readonly Fault[]): Promise<Havoc> {
    const looking = setInterval(() => this.#look(), LOOK_MS);
    try {
      for (const fault of schedule) {
        await delay(Math.max(0, fault.atMs - this.#nowMs()));
        // A disk may be full whatever is done to its edge meanwhile.
        const place = fault.kind === 'disk-full' ? `disk of ${fault.target}` : fault.target;
        const before = this.#turns.get(place) ?? Promise.resolve();
        const turn = before.then(() => this.#inject(fault));
        turn.catch(() => undefined);
        this.#turns.set(place, turn);
      }
    } finally {
      clearInterval(looking);
      // Also what is in hand when one of them has failed: its target is gone when the next seed begins.
      await Promise.allSettled(this.#turns.values());
    }
    await Promise.all(this.#turns.values());
    this.#look();
    return { faults: schedule.length, kills: this.#kills, unplanned: this.#unplanned };
  }

  async #inject(fault: Fault): Promise<void> {
    const { kind, target, lastsMs, amountMs } = fault;
    const seconds = `${(lastsMs / 1000).toFixed(1)} s`;
    switch (kind) {
      case 'kill':
        this.#tell(`kill -9 ${target}, started again after ${seconds}`);
        return this.#kill(this.#member(target), lastsMs);
      case 'stop':
        this.#tell(`SIGSTOP ${target} for ${seconds}`);
        return this.#stop(this.#member(target), lastsMs);
      case 'disk-full':
        this.#tell(`disk of the spool of ${target} full for ${seconds}`);
        return this.#fillDisk(target as EdgeName, lastsMs);
      case 'clock':
        this.#tell(`clock of ${target} set by ${amountMs / 1000} s for ${seconds}`);
        return this.#setClock(target as ServiceUnderTest, amountMs, lastsMs);
      case 'republish':
        return this.#republish(target as Republishing);
    }
  }

  async #kill(member: Member, lastsMs: number): Promise<void> {
    const atMs = this.#nowMs();
    this.#down.add(member.name);
    await member.kill();
    await delay(lastsMs);
    await this.#startAgain(member);
    this.#down.delete(member.name);
    this.#kills.push({ member: member.name, atMs, untilMs: this.#nowMs() });
    this.#tell(`${member.name} is back`);
  }

  /** As a supervisor does: what it needs may be broken too. */
  async #startAgain(member: Member): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await member.start();
      } catch (error) {
        if (attempt === START_TRIES) throw error;
        this.#tell(`${member.name} did not start; tried again: ${String(error).slice(-400)}`);
        await member.kill();
        await delay(1_000);
      }
    }
  }

  async #stop(member: Member, lastsMs: number): Promise<void> {
    signal(member, 'SIGSTOP');
    await delay(lastsMs);
    signal(member, 'SIGCONT');
  }

  async #fillDisk(edge: EdgeName, lastsMs: number): Promise<void> {
    const disk = this.#rig.disks.get(edge)!;
    disk.fill(this.#member(edge).pid());
    await delay(lastsMs);
    disk.free(this.#member(edge).pid());
  }

  async #setClock(service: ServiceUnderTest, amountMs: number, lastsMs: number): Promise<void> {
    const member = this.#member(service);
    writeFileSync(this.#rig.clockFile(service), String(amountMs));
    signal(member, 'SIGUSR2');
    await delay(lastsMs);
    rmSync(this.#rig.clockFile(service));
    signal(member, 'SIGUSR2');
  }

  async #republish(how: Republishing): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const count = await republish(how, this.#rig.natsUrl);
        return this.#tell(`published ${count} event batches ${how}`);
      } catch (error) {
        // The bus may be what is broken now.
        if (attempt === REPUBLISH_TRIES) throw error;
        await delay(1_000);
      }
    }
  }

  /** A process that ended by itself is told of, and started again. */
  #look(): void {
    for (const member of this.#rig.members.values()) {
      if (this.#down.has(member.name) || isThere(member)) continue;
      this.#unplanned.push({ member: member.name, atMs: this.#nowMs() });
      this.#tell(`${member.name} HAS ENDED BY ITSELF`);
      this.#down.add(member.name);
      const again = member
        .kill()
        .then(() => this.#startAgain(member))
        .then(() => void this.#down.delete(member.name));
      again.catch(() => undefined);
      this.#turns.set(`again ${member.name}`, again);
    }
  }

  #member(name: string): Member {
    const member = this.#rig.members.get(name as MemberName);
    if (member === undefined) throw new Error(`there is no ${name}`);
    return member;
  }

  #tell(text: string): void {
    this.#say(`${(this.#nowMs() / 1000).toFixed(1).padStart(7)} s  ${text}`);
  }
}
