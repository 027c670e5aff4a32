import { Controller, Get, Inject, Module, Param } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { baseConfig, Needs, Public, sqlOf, type ServiceDefinition } from '@vitae/service-kit';

/** Two routes that do the same, a read by its key; one asks who comes and what they may, the other nobody. */
@Controller('v1/projects/:projectId/notes')
class NotesController {
  constructor(@Inject(EntityManager) private readonly em: EntityManager) {}

  @Get('open/:id')
  @Public('the other side of the comparison')
  open(@Param('id') id: string) {
    return this.#read(id);
  }

  @Get('known/:id')
  @Needs('registry.read')
  known(@Param('id') id: string) {
    return this.#read(id);
  }

  async #read(id: string) {
    const [note] = await sqlOf(this.em).query<{ text: string }>('select text from note where id = $1', [Number(id)]);
    return note ?? {};
  }
}

@Module({ controllers: [NotesController] })
class KnownModule {}

/** @param migrations a directory with one file that makes `registry.note (id, text)`. */
export const knownService = (migrations: URL): ServiceDefinition => ({
  name: 'registry',
  module: KnownModule,
  config: baseConfig,
  broker: false,
  database: { schema: 'registry', migrations, entities: [] },
});
