// Sells one thing with challenges and checks made by lsat-js: sell.js INVOICE HASH. Prints its port.
const http = require("http");
const { randomBytes } = require("crypto");
const Macaroon = require("macaroon");
const { Identifier, Lsat } = require("lsat-js");

const [invoice, hash] = process.argv.slice(2);
const rootKey = randomBytes(32);
const identifier = new Identifier({ paymentHash: Buffer.from(hash, "hex"), tokenId: randomBytes(32) });
const macaroon = Macaroon.newMacaroon({ version: 2, rootKey, identifier: identifier.toString(), location: "127.0.0.1" });
const base64 = Macaroon.bytesToBase64(macaroon._exportBinaryV2()).replace(/-/g, "+").replace(/_/g, "/");
const offered = Lsat.fromMacaroon(base64, invoice);

function opens(authorization) {
  try {
    const shown = Lsat.fromToken(authorization);
    Macaroon.importMacaroon(shown.baseMacaroon).verify(rootKey, () => null, []);
    return shown.isSatisfied();
  } catch (error) {
    return false;
  }
}

const server = http.createServer((request, response) => {
  if (opens(request.headers.authorization || "")) {
    response.end("sold by lsat-js");
  } else {
    response.writeHead(402, { "WWW-Authenticate": offered.toChallenge() });
    response.end("pay");
  }
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
