import { Body, Controller, Post, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import { because, changed, Context, Needs, type CommandContext } from '@vitae/service-kit';
import { KeyInvalid, parseVerifierKey } from '@vitae/transparency';
import type { Response } from 'express';
import { z } from 'zod';
import { ForLogKey } from './log-key.handler.ts';

const Rotation = z.strictObject({
  newVerifierKey: z
    .string()
    .max(512)
    .refine(isVerifierKey, 'expected a verifier key: <origin>+<8 hexadecimal digits>+<base64>')
    .optional(),
});

/** The key that the log signs with. */
@ApiTags('log')
@Controller('v1/log/keys')
@Needs('log-key.rotate')
export class LogKeyController {
  constructor(private readonly commands: CommandBus) {}

  /** From the next checkpoint on that covers this, the log signs with a new key: one that is made now, or one whose file is there. */
  @Post()
  async rotate(@Context({ projectId: 'vitae' }) context: CommandContext, @Body({ schema: Rotation }) { newVerifierKey }: z.infer<typeof Rotation>, @Res({ passthrough: true }) res: Response) {
    const handled = await this.commands.execute(new ForLogKey(newVerifierKey, because(context, 'Rotates the key of the log.')));
    const rotated = handled.events.at(-1)?.event;
    res.status(rotated && !handled.replayed ? 201 : 200);
    return changed(res, handled, rotated ? { oldVerifierKey: rotated.oldVerifierKey, newVerifierKey: rotated.newVerifierKey } : {});
  }
}

function isVerifierKey(text: string): boolean {
  try {
    return parseVerifierKey(text).type === 1;
  } catch (error) {
    if (error instanceof KeyInvalid) return false;
    throw error;
  }
}
