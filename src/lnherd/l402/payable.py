"""What a wallet looks at in an invoice before it troubles its node."""

from lnherd.errors import InputError
from lnherd.l402 import bolt11
from lnherd.l402.bitcoin import Network
from lnherd.l402.client_steps import PaymentFailed


def read_payable(invoice: str, amount_msat: int, network: Network) -> bolt11.Invoice | PaymentFailed:
    """The decoded ``invoice`` if it is of ``network`` and asks for ``amount_msat`` or leaves that open."""
    try:
        read = bolt11.decode(invoice)
    except InputError as error:
        return PaymentFailed(str(error))
    if read.network is not network:
        return PaymentFailed(f"the invoice is for {read.network.name.lower()}, the wallet on {network.name.lower()}")
    if read.amount_msat not in (None, amount_msat):
        return PaymentFailed(f"the invoice asks for {read.amount_msat} msat, not for {amount_msat}")
    return read
