module mika.example/mika

go 1.23
