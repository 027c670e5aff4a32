"""The reference implementation of OpenSSF Model Signing, asked by the interop test: one line of JSON in, one out."""

import json
import pathlib
import sys

import model_signing

for line in sys.stdin:
    ask = json.loads(line)
    model, signature = pathlib.Path(ask["model"]), pathlib.Path(ask["signature"])
    try:
        if ask["do"] == "sign":
            config = model_signing.signing.Config()
            if "certificate" in ask:
                config.use_certificate_signer(private_key=ask["key"], signing_certificate=ask["certificate"], certificate_chain=[pathlib.Path(one) for one in ask["chain"]])
            else:
                config.use_elliptic_key_signer(private_key=ask["key"])
            config.sign(model, signature)
        else:
            config = model_signing.verifying.Config()
            if "roots" in ask:
                config.use_certificate_verifier(certificate_chain=[pathlib.Path(one) for one in ask["roots"]])
            else:
                config.use_elliptic_key_verifier(public_key=ask["key"])
            config.verify(model, signature)
        answer = {"ok": True}
    except Exception as error:  # whatever it is, it is the answer
        answer = {"ok": False, "why": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
