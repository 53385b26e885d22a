// Sigstore's own verifier for npm, asked one question a line: {root, bundle, artifact, keys, logs}; answers null or a fault.
const { bundleFromJSON } = require("@sigstore/bundle");
const { TrustedRoot } = require("@sigstore/protobuf-specs");
const { Verifier, toSignedEntity, toTrustMaterial } = require("@sigstore/verify");

function ask({ root, bundle, artifact, keys, logs, seen }) {
  const found = {};
  for (const [hint, pem] of Object.entries(keys)) {
    found[hint] = { publicKey: require("node:crypto").createPublicKey(pem), validFor: () => true };
  }
  const trusted = toTrustMaterial(TrustedRoot.fromJSON(root), (hint) => found[hint]);
  const verifier = new Verifier(trusted, { tlogThreshold: logs, ctlogThreshold: seen });
  verifier.verify(toSignedEntity(bundleFromJSON(bundle), Buffer.from(artifact, "base64")));
}

const lines = require("node:fs").readFileSync(0, "utf8").split("\n").filter(Boolean);
for (const line of lines) {
  let fault = null;
  try {
    ask(JSON.parse(line));
  } catch (error) {
    fault = String(error.message || error);
  }
  console.log(JSON.stringify(fault));
}
