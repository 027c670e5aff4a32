import type { Message } from '@bufbuild/protobuf';
import { expect } from '@jest/globals';
import { eventToJson } from '@vitae/contracts';

/**
 * The pure part of a decider, as this lib needs it. The `Decider` of @vitae/event-store has this shape; it is not
 * imported, so that the specs of event-store themselves may use this lib.
 */
export interface Rules<State, Command, Event extends Message> {
  readonly initial: State;
  decide(command: Command, state: State): readonly Event[];
  evolve(state: State, event: Event): State;
}

export interface Given<Command, Event extends Message> {
  (events: readonly Event[]): {
    when(command: Command): {
      /** Exactly these events, field for field. Each decided event must also keep the constraints of its contract. */
      then(events: readonly Event[]): void;
      /** Refused with this reason, and a message for people. */
      thenRefused(reason: string): void;
    };
  };
}

/** `const given = specification(modelVersion)`, then `given([…]).when(command).then([…])` in each test. */
export function specification<State, Command, Event extends Message>(rules: Rules<State, Command, Event>): Given<Command, Event> {
  return (past) => ({
    when: (command) => {
      const decide = (): readonly Event[] => rules.decide(command, past.reduce<State>((state, event) => rules.evolve(state, event), rules.initial));
      return {
        then: (expected) => expect(decide().map(whole)).toEqual(expected.map(whole)),
        thenRefused: (reason) => expect(refusalOf(decide)).toEqual({ name: 'Refused', reason, message: expect.stringMatching(/\S/) }),
      };
    },
  });
}

/** An event as it would be stored: comparing that misses no field, and a difference reads well. */
function whole(event: Message): unknown {
  return { type: event.$typeName, ...(JSON.parse(eventToJson(event)) as object) };
}

function refusalOf(decide: () => readonly Message[]): unknown {
  let events: readonly Message[];
  try {
    events = decide();
  } catch (error) {
    const { name, reason, message } = error as Error & { reason?: string };
    if (name !== 'Refused') throw error;
    return { name, reason, message };
  }
  return { decided: events.map(whole) };
}
