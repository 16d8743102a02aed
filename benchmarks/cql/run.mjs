// Reads patients from standard input, a Bundle a line; prints the milliseconds of each and what was
// said, as one JSON document. The library is translated and everything warmed up before.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import {
  CqlTranslator,
  LibraryManager,
  ModelManager,
  createModelInfoProvider,
  stringAsSource,
} from "@cqframework/cql/cql-to-elm";
import { SystemModelInfoProvider } from "@cqframework/cql/cql";
import cql from "cql-execution";
import fhir from "cql-exec-fhir";

const require = createRequire(import.meta.url);
const here = new URL(".", import.meta.url);

function translated() {
  const models = new ModelManager();
  models.modelInfoLoader.registerModelInfoProvider(new SystemModelInfoProvider());
  const path = require.resolve("cql-exec-fhir").replace(/lib.*/, "lib/modelInfos/fhir-modelinfo-4.0.1.xml");
  const model = readFileSync(path, "utf8");
  models.modelInfoLoader.registerModelInfoProvider(
    createModelInfoProvider((id) => (id === "FHIR" ? stringAsSource(model) : null)),
  );
  const text = readFileSync(new URL("criteria.cql", here), "utf8");
  const made = CqlTranslator.fromText(text, new LibraryManager(models));
  const elm = JSON.parse(made.toJson());
  const errors = (elm.library.annotation ?? []).filter((one) => one.errorSeverity === "error");
  if (errors.length) throw new Error(JSON.stringify(errors.slice(0, 3)));
  return elm;
}

const executor = new cql.Executor(new cql.Library(translated()));
const source = fhir.PatientSource.FHIRv401();
const bundles = readFileSync(0, "utf8").trim().split("\n");

async function judged(line) {
  source.loadBundles([JSON.parse(line)]);
  return (await executor.exec(source)).patientResults;
}

for (const line of bundles.slice(0, 20)) await judged(line);
const ms = [];
const said = {};
for (const line of bundles) {
  const begun = process.hrtime.bigint();
  const results = await judged(line);
  ms.push(Number(process.hrtime.bigint() - begun) / 1e6);
  for (const [id, all] of Object.entries(results)) {
    said[id] = Object.fromEntries(
      Object.entries(all).filter(([name]) => /^[IE][0-9]+$/.test(name)),
    );
  }
}
console.log(JSON.stringify({ ms, said }));
