import { connect, type ConnectionOptions } from './connection.ts';
import { datasetsOf, type Datasets } from './datasets.ts';
import { download, type Downloaded, type DownloadOptions } from './download.ts';
import { evaluationsOf, type Evaluations } from './evaluations.ts';
import { lineageOf, type Lineage } from './lineage.ts';
import { modelsOf, type Models } from './models.ts';
import { projectOver } from './project.ts';
import type { Routes } from './routes.ts';
import { upload, type Uploaded, type UploadOptions } from './upload.ts';
import { versionsOf, type Versions } from './versions.ts';

export interface ClientOptions extends ConnectionOptions {
  readonly project: string;
}

/** One project of a running Vitae. */
export interface VitaeClient {
  readonly models: Models;
  readonly versions: Versions;
  readonly datasets: Datasets;
  readonly evaluations: Evaluations;
  readonly lineage: Lineage;
  readonly artefacts: {
    /** Brings a file in; goes on with one that was cut off. */
    upload(path: string, options?: UploadOptions): Promise<Uploaded>;
    /** Fetches bytes by their digest, and proves them. */
    download(digest: string, path: string, options?: DownloadOptions): Promise<Downloaded>;
  };
  /** What has no method of its own here: every route of every service, typed. */
  readonly routes: Routes;
}

export function vitae(options: ClientOptions): VitaeClient {
  const project = projectOver(connect(options), options.project);
  const datasets = datasetsOf(project);
  return {
    models: modelsOf(project),
    versions: versionsOf(project),
    datasets,
    evaluations: evaluationsOf(project, datasets),
    lineage: lineageOf(project, datasets),
    artefacts: { upload: (path, wish) => upload(project, path, wish), download: (digest, path, wish) => download(project, digest, path, wish) },
    routes: project.routes,
  };
}
