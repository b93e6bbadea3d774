# Dumpleton 2015, as it was before the article's changes. The article: the notebook image. Here: Debian without notebook.
FROM debian:bookworm

RUN adduser --disabled-password --gecos "IPython" ipython

RUN mkdir /notebooks && chown ipython /notebooks

VOLUME /notebooks
WORKDIR /notebooks

USER ipython

# Add a notebook profile.
RUN mkdir -p ~ipython/.jupyter/ && \
    echo "c.NotebookApp.ip = '*'" >> ~ipython/.jupyter/jupyter_notebook_config.py
