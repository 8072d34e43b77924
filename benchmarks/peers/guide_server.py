# mypy: ignore-errors
# Runs in an environment of its own, and is written as the guide's readers write it.
"""The server that the production guide describes: FastAPI, transformers, a thread pool.

No batching, no packing, no cache. Only the model's folder is taken from the environment.
"""

import asyncio
import os

import torch
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel
from transformers import DistilBertForSequenceClassification, DistilBertTokenizer

MODEL = os.environ["GUIDE_MODEL"]

tokenizer = DistilBertTokenizer.from_pretrained(MODEL)
model = DistilBertForSequenceClassification.from_pretrained(MODEL)
model.eval()


def classify_text(text: str, max_length: int = 128):
    """Tokenizes one text, runs the model on it and returns its probabilities."""
    inputs = tokenizer(
        text, truncation=True, padding=True, max_length=max_length, return_tensors="pt"
    )
    with torch.no_grad():
        outputs = model(**inputs)
    predictions = torch.nn.functional.softmax(outputs.logits, dim=-1)
    return predictions.numpy()


app = FastAPI()


class TextRequest(BaseModel):
    """What a caller sends."""

    text: str
    max_length: int = 128


@app.post("/classify")
async def classify_text_endpoint(request: TextRequest):
    """Runs the model in the thread pool, so that the event loop stays free."""
    try:
        result = await asyncio.get_event_loop().run_in_executor(
            None, classify_text, request.text, request.max_length
        )
        return {"predictions": result.tolist()}
    except Exception as error:
        raise HTTPException(status_code=500, detail=str(error)) from error
