"""From a table of ratings to recommendations, similar films, an explanation and a map: MovieLens 100k.

    python examples/movies.py ml-100k        # a folder with u.data (or u.data.gz), u.item and u.user
    kinfold recommend movies.arrow --user 42 --show title

The data are at https://grouplens.org/datasets/movielens/100k/. Each part below stands alone in a notebook.
"""

# %% What there is: ratings `user item rating time`, and a line for each film and each user, in files without headers.
import sys
from pathlib import Path

import pyarrow as pa
from pyarrow import csv

import kinfold as kf
from kinfold.recipes.judging import judged
from kinfold.show import text
from kinfold.sources.interactions import read
from kinfold.tasks.recommend import recommend, why

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "ml-100k")
ratings = next(path for path in (folder / "u.data", folder / "u.data.gz") if path.exists())
GENRES = """unknown Action Adventure Animation Children's Comedy Crime Documentary Drama Fantasy Film-Noir Horror
Musical Mystery Romance Sci-Fi Thriller War Western"""


def table(path, encoding="utf-8"):
    """The columns of a file of fields between bars."""
    options = csv.ReadOptions(autogenerate_column_names=True, encoding=encoding)
    return csv.read_csv(path, read_options=options, parse_options=csv.ParseOptions(delimiter="|"))


names = GENRES.split()
films, people = table(folder / "u.item", "latin-1"), table(folder / "u.user")
flags = [films.column(5 + place).to_pylist() for place in range(len(names))]
genres = [[name for name, flag in zip(names, film, strict=True) if flag] for film in zip(*flags, strict=True)]
films = pa.table(
    {
        "item": films["f0"],
        "title": films["f1"],
        "genres": genres,
        "genre": [each[0] for each in genres],  # the first, to color by
    }
)
people = pa.table({"user": people["f0"], "gender": people["f2"], "occupation": people["f3"]})

# %% Learn: a rating of 4 or 5 is a film that somebody liked. Genres and words of titles are learned as rows, too.
liked = read(ratings, user="1", item="2", weight="3", time="4")
liked = liked.take(liked.weights >= 4)
movies = kf.items(
    liked,
    dim=64,
    weighting="one",
    item_table=films,
    item_features=["genres", "title:words"],
    user_table=people,
)
movies.save("movies.arrow")
print(text.render(movies))

# %% Judge: learn anew from 80 % of what each liked, rank all films, and see whether the rest comes first.
print(text.render(judged(movies, liked, split="random", ks=(10,), item_groups="genres")))

# %% Recommend: what user 42 has not seen, and what somebody gets who is not in the data.
titles = dict(zip(films["item"].cast(pa.string()).to_pylist(), films["title"].to_pylist(), strict=True))
for who, (hits,) in {
    "42": recommend(movies, ["42"], k=8),
    "a newcomer who liked three Star Wars": recommend(movies, histories=[["50", "172", "181"]], k=8, diversity=0.3),
}.items():
    print(f"\nfor {who}:")
    for key, score in hits:
        print(f"  {score:.2f}  {titles[key]}")

# %% Similar films, and what stands for a genre.
for query in ("item:50", "item:1", "item_feature:genres=Film-Noir"):
    found = movies.nearest(query, k=6, group="item")
    name = titles.get(query.partition(":")[2], query)
    print(f"\nnear {name}: " + ", ".join(titles[key] for key in found.keys))

# %% Explain: which films that user 42 liked carry the score of its first recommendation. The parts add up to it.
first = recommend(movies, ["42"], k=1)[0].keys[0]
report = why(movies, first, user="42")
print(f"\nwhy {titles[first]} for 42: {report['score'].value:.3f} =")
for key, _, part in report.tables[0].rows[:6]:
    print(f"  {part:+.3f}  {titles.get(key, key)}")

# %% Look: films by what they are liked together with, colored by genre.
kf.show.map.write(movies, "movies.html", group="item", color="genre", label="title")
print("\nmovies.html shows the films; open it in a browser.")
