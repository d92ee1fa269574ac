"""faster-whisper through the whole code path, with a tiny model of random weights made here."""

import json
from pathlib import Path

import numpy as np
import pytest

from addon.analysis import Hints, Options, Word, open_transcriber
from addon.analysis.whisper import Whisper, _joined, _remembering
from addon.analysis.words import MASK
from addon.errors import SettingsError
from tests.analysis.calls import converse, passed, wav

SAMPLES = Path(__file__).parents[2] / "samples"
MELS, WIDTH, HEADS, CONTEXT = 80, 16, 2, 448
SPECIAL = [
    "<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|de|>", "<|translate|>",
    "<|transcribe|>", "<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>",
]  # fmt: skip


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    """A Whisper of one layer that hears nonsense: weights from a fixed seed, no download."""
    pytest.importorskip("faster_whisper")
    folder = tmp_path_factory.mktemp("tiny-whisper")
    tokens = _tokenizer(folder / "tokenizer.json")
    _weights(tokens).save(str(folder))
    config = {
        "suppress_ids": [],
        "suppress_ids_begin": [],
        "alignment_heads": [[0, 0]],
        "lang_ids": [tokens.index("<|en|>"), tokens.index("<|de|>")],
    }
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "preprocessor_config.json").write_text(json.dumps({"feature_size": MELS}))
    return folder


def _tokenizer(path: Path) -> list[str]:
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={c: i for i, c in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    times = [f"<|{index * 0.02:.2f}|>" for index in range(1501)]
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in SPECIAL])
    tokenizer.add_tokens([AddedToken(token, special=False) for token in times])
    tokenizer.save(str(path))
    return [*alphabet, *SPECIAL, *times]


def _weights(tokens: list[str]):
    from ctranslate2.specs.whisper_spec import WhisperConfig, WhisperSpec

    rng = np.random.default_rng(0)

    def random(*shape):
        return rng.standard_normal(shape).astype(np.float32) * 0.1

    spec = WhisperSpec(
        num_encoder_layers=1,
        num_encoder_heads=HEADS,
        num_decoder_layers=1,
        num_decoder_heads=HEADS,
    )
    _fill(spec, random, len(tokens))
    spec.register_vocabulary(tokens)
    assert isinstance(spec.config, WhisperConfig)
    spec.validate()
    return spec


def _fill(spec, random, vocabulary: int) -> None:
    encoder, decoder = spec.encoder, spec.decoder
    encoder.conv1.weight, encoder.conv1.bias = random(WIDTH, MELS, 3), random(WIDTH)
    encoder.conv2.weight, encoder.conv2.bias = random(WIDTH, WIDTH, 3), random(WIDTH)
    encoder.position_encodings.encodings = random(1500, WIDTH)
    decoder.position_encodings.encodings = random(CONTEXT, WIDTH)
    decoder.embeddings.weight = decoder.projection.weight = random(vocabulary, WIDTH)
    decoder.scale_embeddings = False
    for norm in (encoder.layer_norm, decoder.layer_norm):
        _norm(norm)
    for layer in (*encoder.layer, *decoder.layer):
        _attention(layer.self_attention, [3 * WIDTH, WIDTH], random)
        if hasattr(layer, "attention"):
            _attention(layer.attention, [WIDTH, 2 * WIDTH, WIDTH], random)
        _norm(layer.ffn.layer_norm)
        _linear(layer.ffn.linear_0, random, 4 * WIDTH, WIDTH)
        _linear(layer.ffn.linear_1, random, WIDTH, 4 * WIDTH)


def _attention(attention, widths, random) -> None:
    _norm(attention.layer_norm)
    for linear, width in zip(attention.linear, widths, strict=True):
        _linear(linear, random, width, WIDTH)


def _linear(linear, random, out: int, into: int) -> None:
    linear.weight, linear.bias = random(out, into), random(out)


def _norm(norm) -> None:
    norm.gamma, norm.beta = np.ones(WIDTH, np.float32), np.zeros(WIDTH, np.float32)


def test_hears_words_with_their_times(model, monkeypatch):
    import ctranslate2
    import tqdm

    monkeypatch.setattr(tqdm.tqdm, "monitor_interval", 0)  # else its progress bar starts a thread
    ctranslate2.set_random_seed(0)  # random weights may well hear nothing at all
    call = converse(20, 1)
    report, _ = passed(wav(call.samples), Options(transcriber=open_transcriber(f"whisper:{model}")))
    document = report.as_result()
    assert document.get("transcript_reason") is None
    transcript = document["transcript"]
    assert transcript["engine"] == f"faster-whisper {model.name}"
    words = [word for sentence in transcript["sentences"] for word in sentence["words"]]
    assert words
    for word in words:
        assert 0 <= word["start_seconds"] <= word["end_seconds"] <= call.duration + 0.1
        assert 0 <= word["confidence"] <= 1
    # What a model of random weights hears on one channel may well be nothing.
    assert {sentence["media_channel"] for sentence in transcript["sentences"]} <= {1, 2}


def test_the_model_is_loaded_when_it_is_needed(model):
    transcriber = Whisper(model)
    assert "_model" not in vars(transcriber)


def test_unset_means_none():
    assert open_transcriber(None) is None
    assert open_transcriber("") is None


@pytest.mark.parametrize("setting", ["base.en", "whisper:base.en", "whisper:/no/such/model", "x:y"])
def test_a_name_is_never_downloaded(setting):
    with pytest.raises(SettingsError, match="TRANSCRIBER"):
        open_transcriber(setting)


def test_a_missing_extra_leaves_the_transcript_out(model, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "faster_whisper", None)
    call = converse(20, 1)
    report, _ = passed(wav(call.samples), Options(transcriber=Whisper(model)))
    assert "requirements/whisper.txt are missing" in report.as_result()["transcript_reason"]


def test_parts_of_a_word_are_put_together():
    said = [Word(" half", 0, 1, 0.5), Word("-hour", 1, 2, 0.5), Word(" 4", 2, 3, 0.5)]
    joined = _joined([*said, Word(",111", 3, 4, 0.5)])
    assert [(word.text, word.start, word.stop) for word in joined] == [
        (" half-hour", 0, 2),
        (" 4,111", 2, 4),
    ]


@pytest.fixture(scope="module")
def real():
    """The installed model, loaded once."""
    pytest.importorskip("faster_whisper")
    try:
        return open_transcriber("whisper")
    except SettingsError:
        pytest.skip("no speech model: make setup WORDS=1 installs one")


def test_a_language_is_detected_and_its_encoding_used_again(real, monkeypatch):
    import tqdm

    monkeypatch.setattr(tqdm.tqdm, "monitor_interval", 0)
    model, encoded = real._model, []
    encode = type(model).encode
    counted = _remembering(lambda features: encoded.append(1) or encode(model, features))
    monkeypatch.setattr(model, "encode", counted)
    sound = converse(10, 1).samples[0]
    assert real.language(sound) == "en"
    real.words(sound, Hints("en", ("Robinson",)))
    assert len(encoded) == 1


def test_the_installed_model_hears_the_bundled_call(real, monkeypatch):
    import tqdm

    monkeypatch.setattr(tqdm.tqdm, "monitor_interval", 0)
    recording = (SAMPLES / "call.wav").read_bytes()
    document = passed(recording, Options(transcriber=real))[0].as_result()
    transcript = document["transcript"]
    assert transcript["language"] == "en"
    assert transcript["engine"] == "faster-whisper whisper-base"
    text = {
        role: " ".join(s["transcript"] for s in transcript["sentences"] if s["role"] == role)
        for role in ("agent", "customer")
    }
    assert "How can I help you?" in text["agent"]
    assert "under Robinson" in text["customer"]
    assert MASK in text["customer"] and "four" not in text["customer"]
    assert document["redaction"]["status"] == "complete"
    cards = document["redaction"]["coverage"]["card_number"]
    assert cards["found"] == cards["muted"] >= 1 and cards["heard_again"] is True
    segments = [(s["channel"], s["start_seconds"], s["end_seconds"]) for s in document["segments"]]
    for sentence in transcript["sentences"]:
        for word in sentence["words"]:
            assert word["word"] == MASK or any(
                channel + 1 == sentence["media_channel"]
                and start <= word["start_seconds"] <= word["end_seconds"] <= stop
                for channel, start, stop in segments
            )


def test_the_installed_model_hears_a_recording_of_flex(real, monkeypatch):
    import tqdm

    sample = SAMPLES.parents[1] / "shared" / "samples" / "test.wav"
    if not sample.is_file():
        pytest.skip("no ../shared/samples/test.wav")
    monkeypatch.setattr(tqdm.tqdm, "monitor_interval", 0)
    document = passed(sample.read_bytes(), Options(transcriber=real))[0].as_result()
    [sentence] = document["transcript"]["sentences"]
    assert "say something" in sentence["transcript"]
    assert "repeat back what I heard" in sentence["transcript"]
