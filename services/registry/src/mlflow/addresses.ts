/** Both prefixes of MLflow (its Python client's and its page's), for a project and at the root for the default one. */
export const at = (path: string): string[] => ['t/:projectId/', ''].flatMap((project) => ['api/2.0/', 'ajax-api/2.0/'].map((prefix) => `${project}${prefix}${path}`));
