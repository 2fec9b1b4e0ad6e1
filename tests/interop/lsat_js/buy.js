// Buys ORIGIN/api/dispatches with lsat-js; the demo wallet pays. Prints what it saw as JSON.
const { Lsat } = require("lsat-js");

async function main(origin) {
  const url = `${origin}/api/dispatches`;
  const refused = await fetch(url);
  const challenge = refused.headers.get("www-authenticate");
  const lsat = Lsat.fromHeader(challenge);
  const pay = await fetch(`${origin}/demo/pay`, { method: "POST", body: JSON.stringify({ invoice: lsat.invoice }) });
  lsat.setPreimage((await pay.json()).preimage);
  const token = lsat.toToken();
  const bought = await fetch(url, { headers: { Authorization: token } });
  const caveats = lsat.getCaveats().map((caveat) => caveat.encode());
  console.log(JSON.stringify({
    refused: refused.status, bought: bought.status, body: await bought.json(), scheme: token.split(" ")[0],
    amount: lsat.invoiceAmount, hash: lsat.paymentHash, caveats,
  }));
}

main(process.argv[2]);
